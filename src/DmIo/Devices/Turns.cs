namespace DmIo;

/// <summary>
/// Orders overlapping changes to one device. All turns that were asked for and not yet left stand in one list, in the
/// order of arrival; a turn is granted when no earlier one overlaps it. Lives on the device's loop.
/// </summary>
public sealed class Turns(IoLoop loop)
{
    private Turn? _first;
    private Turn? _last;

    /// <summary>Turns that are held or waited for.</summary>
    public int Count { get; private set; }

    /// <summary>
    /// Asks for a turn on a range.
    /// </summary>
    /// <returns>True when the turn is granted at once; false when <see cref="Turn.Granted"/> will tell.</returns>
    public bool TryEnter(Turn turn, Sectors start, Sectors count)
    {
        ArgumentNullException.ThrowIfNull(turn);
        turn.Start = start;
        turn.End = start + count;
        turn.Blockers = 0;
        for (Turn? earlier = _first; earlier is not null; earlier = earlier.Following)
        {
            if (Overlap(earlier, turn))
                turn.Blockers++;
        }
        turn.Previous = _last;
        turn.Following = null;
        if (_last is null)
            _first = turn;
        else
            _last.Following = turn;
        _last = turn;
        Count++;
        return turn.Blockers == 0;
    }

    /// <summary>Gives a granted turn back; those that waited for it alone are granted.</summary>
    public void Leave(Turn turn)
    {
        ArgumentNullException.ThrowIfNull(turn);
        for (Turn? later = turn.Following; later is not null; later = later.Following)
        {
            if (Overlap(turn, later) && --later.Blockers == 0)
                loop.Ready(later);
        }
        if (turn.Previous is null)
            _first = turn.Following;
        else
            turn.Previous.Following = turn.Following;
        if (turn.Following is null)
            _last = turn.Previous;
        else
            turn.Following.Previous = turn.Previous;
        turn.Previous = turn.Following = null;
        Count--;
    }

    private static bool Overlap(Turn a, Turn b) => a.Start < b.End && b.Start < a.End;
}

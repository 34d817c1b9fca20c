namespace DmIo;

/// <summary>The part of a region that goes to its device in one operation.</summary>
internal sealed class IoPiece : BlockRequest
{
    public IoContext? Context { get; set; }

    public int Region { get; set; }

    /// <summary>Whether its region has gone on without it: it only has to land.</summary>
    public bool IsDetached { get; set; }

    protected override void Completed()
    {
        if (IsHeld)
            Context!.PieceHeld(this);
        else
            Unheld();
    }

    protected override void Unheld()
    {
        if (IsDetached)
            Context!.PieceLanded(this);
        else
            Context!.PieceFinished(this);
    }
}

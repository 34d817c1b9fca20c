namespace DmIo;

/// <summary>
/// The turn of a request that its device keeps beyond the request's completion, so that later changes to the range go on
/// waiting. Pooled by the ordered device that gave it.
/// </summary>
public abstract class KeptTurn : Turn
{
    private protected KeptTurn()
    {
    }

    /// <summary>Gives the turn back, once; not to be touched afterwards. Only on the loop.</summary>
    public abstract void Finish();
}

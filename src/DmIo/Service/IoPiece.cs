namespace DmIo;

/// <summary>The part of a region that goes to its device in one operation.</summary>
internal sealed class IoPiece : BlockRequest
{
    public IoContext? Context { get; set; }

    public int Region { get; set; }

    protected override void Completed()
    {
        IoContext context = Context!;
        Context = null;
        context.PieceFinished(this);
    }
}

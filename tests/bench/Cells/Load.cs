namespace DmIo.SideBySide.Cells;

/// <summary>Who makes a cell's load.</summary>
internal enum Load
{
    /// <summary>The program's own batching client: simple replies from every server.</summary>
    Client,
    NbdCopy,
    Fio,
}

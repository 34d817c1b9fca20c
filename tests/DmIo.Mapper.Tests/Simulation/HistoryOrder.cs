namespace DmIo.Mapper.Tests;

/// <summary>Which of two overlapping changes that were under way at once comes later.</summary>
public enum HistoryOrder
{
    /// <summary>The one that was submitted later: a device where changes take turns.</summary>
    Submission,

    /// <summary>Either: a bare disk.</summary>
    Any,
}

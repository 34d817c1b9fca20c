namespace DmIo.Mapper;

/// <summary>An operation on legs that has a deadline (<see cref="DeadlineWatch"/>).</summary>
internal interface IWatched
{
    /// <summary>When it began, on the loop's clock.</summary>
    long BeganAt { get; set; }

    /// <summary>Neighbours in the order of beginning; the watch's.</summary>
    IWatched? Earlier { get; set; }

    /// <inheritdoc cref="Earlier"/>
    IWatched? Later { get; set; }

    /// <summary>Its deadline has passed; told again and again until it has ended.</summary>
    void Overdue();
}

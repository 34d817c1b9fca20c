using DmIo.Testing;

namespace DmIo.Mapper.Tests;

/// <summary>A client's request and what the model needs to know of it. Pooled by its <see cref="HistoryClient"/>.</summary>
internal sealed class HistoryRequest(HistoryClient client) : BlockRequest
{
    private TestBuffer? _buffer;
    private int _lengthBytes;

    /// <summary>The life in which it was submitted.</summary>
    public int Life { get; set; }

    /// <summary>Submissions that have not completed: 1, or 0.</summary>
    public int Outstanding { get; set; }

    public HistoryWrite? Change { get; set; }

    public HistoryRead Read { get; set; }

    public HistoryFlush Flush { get; set; }

    public Span<byte> Memory => _buffer!.Span[.._lengthBytes];

    public void TakeMemory(int lengthBytes)
    {
        if (_buffer is null || _buffer.Span.Length < lengthBytes)
            _buffer = new TestBuffer(lengthBytes);
        _lengthBytes = lengthBytes;
        Data = _buffer.Vector.Slice(0, lengthBytes);
    }

    /// <summary>What a read returned, wherever it lies.</summary>
    public ReadOnlySpan<byte> Answer
    {
        get
        {
            if (!HasOtherAnswer)
                return Memory;
            byte[] copy = new byte[_lengthBytes];
            AnsweredData.CopyTo(copy);
            return copy;
        }
    }

    public override bool TakesOtherMemory => true;

    protected override void Completed() => client.Completed(this);

    protected override void Unheld() => client.Free(this);
}

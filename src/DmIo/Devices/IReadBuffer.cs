namespace DmIo;

/// <summary>Memory of a device's that a read was answered from (<see cref="BlockRequest.AnswerWith"/>).</summary>
public interface IReadBuffer
{
    /// <summary>Told on the loop, once for each answer, when its data has been sent or copied.</summary>
    void Release();
}

namespace DmIo.Daemon.Control;

/// <summary>What a target answers to a message.</summary>
/// <param name="Text">Empty for most messages.</param>
internal sealed record MessageAnswer(string Text);

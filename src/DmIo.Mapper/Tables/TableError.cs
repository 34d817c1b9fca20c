namespace DmIo.Mapper;

/// <summary>One mistake in a table.</summary>
/// <param name="Line">Line of the text, counted from 1.</param>
/// <param name="Argument">The word that is wrong; empty when one is missing.</param>
/// <param name="Message">
/// What is wrong, why, and what to write instead; in the kernel's words where it has some.
/// </param>
public sealed record TableError(int Line, string Argument, string Message);

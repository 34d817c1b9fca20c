namespace DmIo;

/// <summary>One element of the second service's data buffer (dm-io.txt, <c>struct bio_vec</c>).</summary>
/// <param name="Page">The page's address.</param>
/// <param name="LengthBytes">How many bytes.</param>
/// <param name="OffsetBytes">Where in the page they begin.</param>
public readonly record struct BioVec(nint Page, int LengthBytes, int OffsetBytes);

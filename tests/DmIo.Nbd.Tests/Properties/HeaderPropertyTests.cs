using DmIo.Nbd.Wire;
using FsCheck.Fluent;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>What is written to the wire is what is read from it.</summary>
internal sealed class HeaderPropertyTests
{
    [Test]
    public void A_request_is_read_as_it_was_written([Values] ReplyForm form)
    {
        // Goal: every field at its place, in both forms, whatever follows; the magic of the form and no other.
        var headers =
            from magic in Gen.Frequency(
                (1, PropertyCheck.Numbers.Select(n => (uint)n)),
                (2, Gen.Elements(NBD_REQUEST_MAGIC, NBD_EXTENDED_REQUEST_MAGIC)))
            from flags in PropertyCheck.Numbers
            from type in PropertyCheck.Numbers
            from cookie in PropertyCheck.Numbers
            from offset in PropertyCheck.Numbers
            from length in PropertyCheck.Numbers
            from rest in PropertyCheck.AnyBytes
            select (Header: new RequestHeader(magic, (ushort)flags, (ushort)type, cookie, offset, length), Behind: rest);
        bool isExtended = form == ReplyForm.Extended;
        PropertyCheck.Check(headers, one =>
        {
            RequestHeader header = isExtended ? one.Header : one.Header with { Length = (uint)one.Header.Length };
            byte[] bytes =
            [
                .. Bytes.U32(header.Magic), .. Bytes.U16(header.Flags), .. Bytes.U16(header.Type), .. Bytes.U64(header.Cookie),
                .. Bytes.U64(header.Offset), .. isExtended ? Bytes.U64(header.Length) : Bytes.U32((uint)header.Length),
            ];
            Assert.That(bytes, Has.Length.EqualTo(RequestHeader.Bytes(form)));
            Assert.That(RequestHeader.Read([.. bytes, .. one.Behind], form), Is.EqualTo(header));
            Assert.That(
                header.HasMagic(form), Is.EqualTo(header.Magic == (isExtended ? 0x21e41c71 : 0x25609513)));
            Assert.That(
                header.HasPayload(form),
                Is.EqualTo(isExtended ? (header.Flags & 0x20) != 0 : header.Type == 1));
        });
    }

    [Test]
    public void A_simple_reply_is_sixteen_bytes()
    {
        // Goal: magic, error, cookie; what lies behind stays as it is.
        var replies = from error in PropertyCheck.Numbers from cookie in PropertyCheck.Numbers select ((uint)error, cookie);
        PropertyCheck.Check(replies, reply =>
        {
            byte[] room = new byte[20];
            room.AsSpan(16).Fill(0xaa);
            SimpleReply.Write(room, reply.Item1, reply.cookie);
            Assert.That(room, Is.EqualTo((byte[])
                [.. Bytes.U32(0x67446698), .. Bytes.U32(reply.Item1), .. Bytes.U64(reply.cookie), 0xaa, 0xaa, 0xaa, 0xaa]));
        });
    }

    [Test]
    public void A_chunk_begins_with_what_its_request_was([Values(ReplyForm.Structured, ReplyForm.Extended)] ReplyForm form)
    {
        // Goal: magic, flags, type, cookie, with extended headers the request's offset, length.
        var chunks =
            from cookie in PropertyCheck.Numbers
            from offset in PropertyCheck.Numbers
            from type in PropertyCheck.Numbers
            from isLast in ArbMap.Default.GeneratorFor<bool>()
            from length in PropertyCheck.Numbers
            select (cookie, offset, (ushort)type, isLast, form == ReplyForm.Extended ? length >> 1 : (uint)length);
        PropertyCheck.Check(chunks, chunk =>
        {
            (ulong cookie, ulong offset, ushort type, bool isLast, ulong length) = chunk;
            byte[] room = new byte[ReplyChunk.HeaderBytes(form)];
            var writer = new WireWriter(room);
            ReplyChunk.WriteHeader(ref writer, form, (cookie, offset), type, isLast, (long)length);
            byte[] start = [.. Bytes.U16(isLast ? (ushort)1 : (ushort)0), .. Bytes.U16(type), .. Bytes.U64(cookie)];
            byte[] whole = form == ReplyForm.Extended
                ? [.. Bytes.U32(0x6e8a278c), .. start, .. Bytes.U64(offset), .. Bytes.U64(length)]
                : [.. Bytes.U32(0x668e33ef), .. start, .. Bytes.U32((uint)length)];
            Assert.That(room, Is.EqualTo(whole));
        });
    }

    [Test]
    public void Numbers_and_bytes_come_out_in_the_order_in_which_they_went_in()
    {
        // Goal: reader and writer agree, use up exactly what they say, and never go beyond the end.
        var items = (from size in Gen.Elements(2, 4, 8, 0)
                     from number in PropertyCheck.Numbers
                     from bytes in PropertyCheck.AnyBytes
                     select (Size: size, Number: number, Bytes: bytes)).ArrayOf();
        PropertyCheck.Check(items, all =>
        {
            byte[] room = new byte[all.Sum(item => item.Size > 0 ? item.Size : item.Bytes.Length)];
            var writer = new WireWriter(room);
            foreach ((int size, ulong number, byte[] bytes) in all)
            {
                switch (size)
                {
                    case 2:
                        writer.WriteUInt16((ushort)number);
                        break;
                    case 4:
                        writer.WriteUInt32((uint)number);
                        break;
                    case 8:
                        writer.WriteUInt64(number);
                        break;
                    default:
                        writer.WriteBytes(bytes);
                        break;
                }
            }
            Assert.That(Overflows(room, room.Length), "a writer that goes beyond the end");
            var reader = new WireReader(room);
            foreach ((int size, ulong number, byte[] bytes) in all)
            {
                int before = reader.Remaining;
                switch (size)
                {
                    case 2:
                        Assert.That(reader.ReadUInt16(), Is.EqualTo((ushort)number));
                        break;
                    case 4:
                        Assert.That(reader.ReadUInt32(), Is.EqualTo((uint)number));
                        break;
                    case 8:
                        Assert.That(reader.ReadUInt64(), Is.EqualTo(number));
                        break;
                    default:
                        Assert.That(reader.ReadBytes(bytes.Length).SequenceEqual(bytes));
                        break;
                }
                Assert.That(before - reader.Remaining, Is.EqualTo(size > 0 ? size : bytes.Length));
            }
            Assert.That(reader.Remaining, Is.Zero);
        });
    }

    [Test]
    public void Every_error_has_a_name_on_the_wire()
    {
        // Goal: success stays success, nothing else becomes it, and nothing but the protocol's eight errors goes out.
        PropertyCheck.Check(Gen.Choose(0, 200), number =>
        {
            uint error = WireError.From((Errno)number);
            Assert.That(error == 0, Is.EqualTo(number == 0));
            Assert.That(error == 0 || FuzzRules.Known.Contains(error), $"{number} becomes {error}");
        });
    }

    private static bool Overflows(byte[] room, int used)
    {
        try
        {
            var writer = new WireWriter(room.AsSpan(used));
            writer.WriteUInt16(0);
            return false;
        }
        catch (ArgumentOutOfRangeException)
        {
            return true;
        }
    }
}

using DmIo.Testing;

namespace DmIo.Nbd.Tests;

/// <summary>A device that does what comes in one batch of its loop later, and the last first.</summary>
internal sealed class LateDevice(IoLoop loop, string name, Sectors length) : ScriptedDevice(loop, name, length)
{
    private Turnaround? _turnaround;

    public override void Submit(BlockRequest request)
    {
        Holds = true;
        base.Submit(request);
        (_turnaround ??= new Turnaround(this)).Ask();
    }

    private sealed class Turnaround(LateDevice device) : LoopWork
    {
        private bool _isAsked;

        public void Ask()
        {
            if (_isAsked)
                return;
            _isAsked = true;
            device.Loop.Post(this);
        }

        protected override void Run()
        {
            _isAsked = false;
            while (device.Held.Count > 0)
                device.Release(device.Held[^1]);
        }
    }
}

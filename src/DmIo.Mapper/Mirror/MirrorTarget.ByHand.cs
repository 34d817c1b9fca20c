namespace DmIo.Mapper;

// What people do to a leg.
internal sealed partial class MirrorTarget
{
    /// <summary>Takes a leg out of the set; it stays out until it is cleared. Ends when that is durable.</summary>
    /// <exception cref="MapperException">It alone holds something, or it could not be recorded.</exception>
    internal async Task FailLegAsync(int index)
    {
        Leg leg = LegAt(index);
        if (IsReadOnly)
            throw new MapperException($"{Host.Name}: it is read-only, so that a leg is out of use cannot be recorded");
        if (leg.IsInSet && !_legs.CanLeave(leg))
            throw new NotNowException($"{Host.Name}: {WhyItStays(leg)}");
        bool isNew = !leg.IsFailedByHand;
        leg.IsFailedByHand = true;
        leg.Errors |= LegErrors.Write;
        if (leg.IsInSet)
            Leave(leg);
        else
            _legsTicket = _log.NoteLegs(_epoch);
        if (isNew)
        {
            MapperLog.LegFailedByHand(Host.Logger, Host.Name, leg.Index, leg.Place.Argument);
            Host.HealthChangedOf(
                this, VolumeEventKind.LegLeft, new EventDetails { Leg = leg.Index, Device = leg.Place.Argument });
        }
        if (!await DurableAsync(_legsTicket))
        {
            throw new MapperException(
                $"{Host.Name}: leg {leg.Index} is out of the set, but {_log.Location} cannot be written, so a restart may take "
                + "it for good; mend that, and say it again");
        }
    }

    /// <summary>Forgets what a leg has failed, be it by hand; if it is out of the set it is looked at at once.</summary>
    /// <exception cref="MapperException">There is no such leg, or its device is missing.</exception>
    internal void ClearLeg(int index)
    {
        Leg leg = LegAt(index);
        if (!leg.IsPresent)
        {
            throw new MapperException(
                $"{Host.Name}: leg {leg.Index} ({leg.Place.Argument}) is missing: {((MissingDevice)leg.Device).Reason}; bring it "
                + "back and start the volume again, or put another in its place (leg replace)");
        }
        leg.IsFailedByHand = false;
        leg.Errors = leg.IsInSet ? LegErrors.None : LegErrors.Write;
        leg.Failure = null;
        leg.LastFailure = null;
        leg.Meter.ClearErrors();
        leg.Unreadable.Clear();
        _repair.Forget(leg);
        MapperLog.LegCleared(Host.Logger, Host.Name, leg.Index, leg.Place.Argument);
        if (!IsReadOnly)
        {
            _legsTicket = _log.NoteLegs(_epoch);
            _log.Commit();
        }
        Host.HealthChangedOf(this);
        if (!leg.IsInSet)
            _returns.LookNow(leg);
    }

    private Leg LegAt(int index) => index >= 0 && index < _legs.Legs.Length
        ? _legs[index]
        : throw new MapperException(
            $"{Host.Name}: there is no leg {index}; legs are counted from 0, and the last is {_legs.Legs.Length - 1}");

    private string WhyItStays(Leg leg)
    {
        string name = $"leg {leg.Index} ({leg.Place.Argument})";
        RegionSet alone = _legs.HeldAlone(leg);
        if ((_legs.Set & ~leg.Bit) == 0)
            return $"{name} is the only one in the set; bring another back first";
        if (alone.Count > 0)
        {
            return $"{name} alone holds regions {RegionRanges.Describe(alone)}; wait until recovery has copied them to "
                + "another leg";
        }
        return $"{name} alone has writes that were answered and that others are behind with; try again";
    }

    // Legs that were failed by hand stay out after a restart, unless nobody else holds what they hold.
    private void LeaveFailedByHand()
    {
        foreach (Leg leg in _legs.Legs)
        {
            if (!leg.IsFailedByHand || !leg.IsPresent)
                continue;
            if (leg.Index != _options.SyncFrom && _legs.CanLeave(leg))
            {
                _legs.Leave(leg);
                leg.Errors = LegErrors.Write;
                MapperLog.LegFailedByHand(Host.Logger, Host.Name, leg.Index, leg.Place.Argument);
                continue;
            }
            leg.IsFailedByHand = false;
            if (leg.Index != _options.SyncFrom)
            {
                MapperLog.Finding(
                    Host.Logger, Host.Name, $"was told not to use leg {leg.Index} and does, since {WhyItStays(leg)}");
            }
        }
    }
}

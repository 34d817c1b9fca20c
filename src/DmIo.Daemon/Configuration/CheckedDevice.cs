using DmIo.Mapper;

namespace DmIo.Daemon.Configuration;

/// <summary>A mapped device with its table understood, and the loop on which it lives.</summary>
internal sealed record CheckedDevice(DeviceConfiguration Source, Table Table, int Loop, bool LegsAreFresh);

namespace DmIo.Mapper.Tests;

public sealed class PlantedFaultTests
{
    // Short lives, so that what a fault needs is met soon. Arbitrary.
    private const int Steps = 1000;

    // Several times what the slowest of them takes.
    private const int Seeds = 1000;

    private static IEnumerable<TestCaseData> Faults =>
        PlantedFaults.All.Select(fault => new TestCaseData(fault).SetArgDisplayNames(fault.Name));

    // Goal: the simulation would notice if the engine had this fault: some seed, searched from the first on, fails.
    [TestCaseSource(nameof(Faults))]
    public void The_simulation_notices(object planted)
    {
        var fault = (PlantedFault)planted;
        string? noticed = fault.FindNoticed(Seeds, Steps);
        Assert.That(noticed, Is.Not.Null, $"{fault}: not noticed in {Seeds} seeds of {Steps} steps");
        TestContext.Out.WriteLine($"{fault}: {noticed}");
    }
}

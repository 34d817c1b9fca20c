namespace DmIo.Tests.Conformance;

/// <summary>
/// The table of dm-io's rules: sections A.2 to A.6 of the semantics that the service implements. A row's name is the
/// rule's number (a section's unnumbered rules are counted) and its sentence is the goal of the test.
/// </summary>
internal sealed class ConformanceTests
{
    [TestCaseSource(nameof(Rows))]
    public void Rule(ConformanceRow row)
    {
        // The rule that the row's name tells holds.
        var bench = new ConformanceBench();
        row.Check(bench);
        bench.MustBeQuiet();
    }

    private static IEnumerable<TestCaseData> Rows() =>
        new[] { ExecutionRules.Rows, OutcomeRules.Rows, SpecialRules.Rows, PoolRules.Rows, ClassicRules.Rows }
            .SelectMany(rows => rows)
            .Select(row => new TestCaseData(row).SetName(row.ToString()));
}

using System.Text;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>
/// Runs what the README says, word for word, and compares what it shows. The blocks for the kernel run in the virtual
/// machine (tests/vm), the one that runs the tests is how this came to run.
/// </summary>
public sealed class ReadmeTests
{
    private readonly List<ReadmeBlock> _blocks = [.. ReadmeBlock.Read()];

    [Test]
    public void Every_block_of_commands_is_of_a_kind_that_is_run()
    {
        string[] kinds = [.. _blocks.Where(b => b.Language == "sh").Select(b => b.Kind)];
        Assert.That(kinds, Has.Length.GreaterThan(5));
        Assert.That(kinds, Is.All.AnyOf("", "shown", "serve", "watch", "fails", "tests", "kernel", "keep", "swap", "service", "journal"));
        Assert.That(kinds.Count(k => k == "tests"), Is.EqualTo(1));
        string[] inTheMachine = ["kernel", "keep", "swap", "service", "journal"];
        foreach (string kind in inTheMachine)
            Assert.That(kinds.Count(k => k == kind), Is.EqualTo(1), kind);
    }

    [Test]
    public void The_test_command_is_the_one_that_CI_runs()
    {
        string command = _blocks.Single(b => b is { Language: "sh", Kind: "tests" }).Text.Trim();
        Assert.That(File.Exists(Path.Combine(BuiltProgram.Repository, command)));
        Assert.That(File.ReadAllText(Path.Combine(BuiltProgram.Repository, ".ci/run")), Does.Contain($"/../{command}\""));
    }

    [Test]
    public void The_kernel_is_attached_with_the_line_that_the_daemon_prints()
    {
        string printed = _blocks.Single(b => b is { Language: "text", Kind: "output" }).Text
            .Split('\n').Select(l => l.Trim()).Single(l => l.StartsWith("nbd-client", StringComparison.Ordinal));
        string kernel = _blocks.Single(b => b is { Language: "sh", Kind: "kernel" }).Text;
        Assert.That(kernel.Split('\n'), Does.Contain(printed));
    }

    [Test]
    public void The_commands_do_what_the_page_shows()
    {
        Needs.Namespaces();
        using var scratch = new Scratch();
        foreach (string directory in (string[])["srv", "lib"])
            Directory.CreateDirectory(scratch[directory]);
        string output = Path.Combine(BuiltProgram.Repository, "out");
        bool isOurs = !Directory.Exists(output);
        try
        {
            string script = scratch.Write("script", Script(scratch));
            ToolResult result = Tool.Run(
                new Dictionary<string, string?> { ["MSBUILDDISABLENODEREUSE"] = "1" },
                "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", script);
            Assert.That(result.ExitCode, Is.Zero, result.Output + result.Error);
        }
        finally
        {
            if (isOurs && Directory.Exists(output))
                Directory.Delete(output, recursive: true);
        }
    }

    /// <summary>
    /// The page as one script, for a world of its own: another network, so that its ports are free, and directories that
    /// stand for /srv, /var/lib and /run.
    /// </summary>
    private string Script(Scratch scratch)
    {
        var script = new StringBuilder($$"""
            set -euo pipefail
            scratch={{scratch.Directory}}
            exec 2>&1
            # The interpreter that packages are for, whatever else is installed.
            export PATH=/usr/bin:$PATH
            ip link set lo up
            mount --bind "$scratch/srv" /srv
            mount --bind "$scratch/lib" /var/lib
            mount -t tmpfs tmpfs /run
            cd {{BuiltProgram.Repository}}
            daemon=
            stop() {
                [ -n "$daemon" ] || return 0
                # 'dotnet run' has the daemon for a child.
                child=$(cat /proc/"$daemon"/task/*/children)
                kill -TERM ${child:-$daemon}
                wait "$daemon" || { echo "exit $?"; cat "$scratch/err"; exit 1; }
            }
            serving() {
                for i in $(seq 3000); do
                    ! grep -q nbd-client "$scratch/out" || return 0
                    kill -0 "$daemon" 2> /dev/null || break
                    sleep 0.1
                done
                cat "$scratch/out" "$scratch/err"
                exit 1
            }
            # What goes on until Ctrl-C, until it has shown something; with job control, or it would ignore the signal.
            watching() {
                set -m
                $1 > "$scratch/watch" &
                set +m
                for i in $(seq 600); do
                    [ ! -s "$scratch/watch" ] || break
                    sleep 0.1
                done
                kill -INT $!
                wait $! && return 1 || [ $? -eq 130 ]
                [ -s "$scratch/watch" ]
            }
            log() { grep -v serving "$scratch/err" | cut -d ' ' -f 3-; }

            """);
        for (int i = 0; i < _blocks.Count; i++)
        {
            ReadmeBlock block = _blocks[i];
            string saved = scratch.Write($"block{i}", block.Text);
            script.Append((block.Language, block.Kind) switch
            {
                ("sh", "") => block.Text,
                ("sh", "shown") => $"{{ {block.Text}}} > \"$scratch/shown\"\n",
                ("text", "shown") => $"diff {saved} \"$scratch/shown\"\n",
                ("sh", "serve") => $"stop\n{block.Text.Trim()} > \"$scratch/out\" 2> \"$scratch/err\" &\ndaemon=$!\nserving\n",
                ("sh", "watch") => $"watching '{block.Text.Trim()}'\n",
                ("sh", "fails") => $"! {block.Text.Trim()} > \"$scratch/out\" 2> \"$scratch/err\" || exit 1\n",
                ("text", "output") => $"diff {saved} \"$scratch/out\"\n",
                ("text", "error") => $"diff {saved} \"$scratch/err\"\n",
                ("text", "log") => $"diff <(cut -d ' ' -f 3- {saved}) <(log | grep -A 1 failed:)\n",
                ("json", _) => $"cp {saved} {block.Kind}\n",
                _ => "",
            });
        }
        return script.Append("stop\n").ToString();
    }
}

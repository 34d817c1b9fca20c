using System.Text.RegularExpressions;

namespace DmIo.Daemon.Tests;

/// <summary>
/// A terminal of its own with a shell in it, as a person sits at it: a tmux server with a socket of its own, which ends with
/// the test.
/// </summary>
public sealed partial class Terminal : IDisposable
{
    private const string Columns = "120";
    private const string Lines = "40";

    private readonly string _socket;

    // The shell's prompt counts commands and shows how the last one ended.
    private int _command = 1;

    public Terminal(Scratch scratch, string name)
    {
        _socket = scratch[$"{name}.tmux"];
        string start = scratch.Write("bashrc", "PS1='[\\#:$?]'\nPS2=\nunset NO_COLOR PROMPT_COMMAND\n");
        // The locale is what makes tmux print what is no ASCII.
        Tool.Run(
            new Dictionary<string, string?> { ["LC_ALL"] = "C.UTF-8" }, "tmux", "-S", _socket, "-f", "/dev/null", "new-session",
            "-d", "-x", Columns, "-y", Lines, "-c", scratch.Directory, $"bash --noprofile --rcfile {start}").MustSucceed();
        WaitForPrompt();
    }

    /// <summary>What the screen shows, without the empty lines beneath.</summary>
    public string Screen => Tmux("capture-pane", "-p", "-t", ":").TrimEnd();

    /// <summary>What the screen shows, with the escape sequences of its colours.</summary>
    public string Coloured => Tmux("capture-pane", "-e", "-p", "-t", ":");

    /// <summary>Whether the cursor is shown.</summary>
    public bool HasCursor => Tmux("display-message", "-p", "-t", ":", "#{cursor_flag}").Trim() == "1";

    /// <summary>Types a line and Enter.</summary>
    public void Type(string line)
    {
        Tmux("send-keys", "-t", ":", "-l", "--", line);
        Press("Enter");
    }

    /// <summary>Presses a key as tmux calls it, such as C-c.</summary>
    public void Press(string key) => Tmux("send-keys", "-t", ":", key);

    /// <summary>Waits until the screen shows something.</summary>
    public void WaitFor(Func<string, bool> shows, string what)
    {
        try
        {
            Deadline.WaitFor(() => shows(Screen), what);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}\n{Screen}", e);
        }
    }

    /// <summary>Types a command on an empty screen and waits for its end; its exit status and all that the screen shows.</summary>
    public (int ExitCode, string Screen) Run(string line)
    {
        Tmux("send-keys", "-t", ":", "C-l");
        WaitFor(screen => !screen.Contains('\n', StringComparison.Ordinal), "an empty screen");
        Type(line);
        return WaitForEnd();
    }

    /// <summary>Waits until the command that was typed ends.</summary>
    public (int ExitCode, string Screen) WaitForEnd()
    {
        _command++;
        int exitCode = WaitForPrompt();
        return (exitCode, Screen);
    }

    public void Dispose() => Tool.Run("tmux", "-S", _socket, "kill-server");

    private int WaitForPrompt()
    {
        int exitCode = 0;
        WaitFor(
            screen =>
            {
                Match prompt = Prompt().Match(screen);
                return prompt.Success && prompt.Groups[1].Value == $"{_command}"
                    && int.TryParse(prompt.Groups[2].Value, out exitCode);
            },
            $"the prompt of command {_command}");
        return exitCode;
    }

    private string Tmux(params string[] arguments) => Tool.Run("tmux", ["-S", _socket, .. arguments]).MustSucceed().Output;

    [GeneratedRegex(@"^\[(\d+):(\d+)\]\z", RegexOptions.Multiline)]
    private static partial Regex Prompt();
}

//! Methods: what `dfs.ha.fencing.methods` says, and what a shell command is assumed to do.
//!
//! Here: reading the list as `NodeFencer` does, and the table of outcomes of commands.
//! Never here: running anything.
//! Modelled on: `NodeFencer.parseMethods`, `SshFenceByTcpPort.Args`, `ShellCommandFencer`.

use crate::engine::time::SimDuration;

/// Stock port of sshd.
pub const SSH_PORT: u16 = 22;

/// One configured way to make an old active harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// `sshfence(user:port)`: kill whoever holds the NameNode's port, over ssh.
    Ssh {
        /// Port of sshd.
        port: u16,
    },
    /// `shell(command)`: exit status 0 is success; no time-out.
    Shell {
        /// What the command does.
        outcome: Shell,
    },
    /// `powershell(script)`: cannot be launched on these hosts, so it fails at once.
    Powershell,
}

/// What a shell command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shell {
    /// How it ends.
    pub ends: ShellEnd,
    /// How long it takes from launch to end.
    pub after: SimDuration,
}

/// How a shell command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShellEnd {
    /// Exit status 0.
    Succeeds,
    /// Any other.
    Fails,
    /// Never.
    Hangs,
}

/// The state of the configuration key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Methods {
    /// Not set; an empty value counts as not set.
    Missing,
    /// Upstream cannot read it: the controller does not start.
    Bad(String),
    /// In order of trial. A value of comments only gives none, and passes upstream's check.
    Configured(Vec<Method>),
}

impl Methods {
    /// `checkFencingConfigured`.
    pub const fn is_configured(&self) -> bool {
        match self {
            Methods::Missing | Methods::Bad(_) => false,
            Methods::Configured(_) => true,
        }
    }

    /// The methods, none if the key is missing or bad.
    pub fn list(&self) -> &[Method] {
        match self {
            Methods::Missing | Methods::Bad(_) => &[],
            Methods::Configured(methods) => methods,
        }
    }

    /// Reads the key's value. `shells` says what the commands do.
    pub fn parse(text: &str, shells: &Shells) -> Methods {
        if text.is_empty() {
            return Methods::Missing;
        }
        let lines = text.lines().map(without_comment).filter(|line| !line.is_empty());
        match lines.map(|line| parse_method(line, shells)).collect() {
            Ok(methods) => Methods::Configured(methods),
            Err(why) => Methods::Bad(why),
        }
    }
}

fn without_comment(line: &str) -> &str {
    line.split('#').next().unwrap_or_default().trim()
}

fn parse_method(line: &str, shells: &Shells) -> Result<Method, String> {
    let bad = || format!("cannot read the fencing method \"{line}\"");
    let (class, argument) = match line.split_once('(') {
        Some((class, rest)) => {
            let argument = rest.strip_suffix(')').filter(|inside| !inside.is_empty());
            (class, Some(argument.ok_or_else(bad)?))
        }
        None => (line, None),
    };
    match (class, argument) {
        ("sshfence", argument) => {
            ssh_port(argument.unwrap_or_default()).map(|port| Method::Ssh { port }).ok_or_else(bad)
        }
        ("shell", Some(command)) => Ok(Method::Shell { outcome: shells.outcome(command) }),
        ("powershell", Some(_)) => Ok(Method::Powershell),
        _ => Err(bad()),
    }
}

/// `[user][:port]`.
fn ssh_port(argument: &str) -> Option<u16> {
    match argument.split_once(':') {
        None => Some(SSH_PORT),
        Some((_user, port)) => port.parse().ok(),
    }
}

/// What the commands of an installation do. A simulator cannot run them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shells {
    rows: Vec<(String, Shell)>,
    span: SimDuration,
}

impl Shells {
    /// Reads lines `command => success|failure|hang [after SPAN]`; a command that no line names
    /// takes `span` and succeeds, but for the two whose failure is their name.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn parse(text: &str, span: SimDuration) -> Result<Shells, String> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let rows = lines.map(|line| parse_row(line, span)).collect::<Result<_, _>>()?;
        Ok(Shells { rows, span })
    }

    fn outcome(&self, command: &str) -> Shell {
        let command = command.trim();
        if let Some((_, outcome)) = self.rows.iter().find(|row| row.0 == command) {
            return *outcome;
        }
        let ends = match command {
            "false" | "/bin/false" | "/usr/bin/false" | "exit 1" => ShellEnd::Fails,
            _ => ShellEnd::Succeeds,
        };
        Shell { ends, after: self.span }
    }
}

fn parse_row(line: &str, span: SimDuration) -> Result<(String, Shell), String> {
    let wrong =
        || format!("expected \"command => success|failure|hang [after SPAN]\" in \"{line}\"");
    let (command, outcome) = line.split_once("=>").ok_or_else(wrong)?;
    let (end, after) = match outcome.split_once(" after ") {
        Some((end, text)) => (end, crate::engine::config::parse_span(text, None)?),
        None => (outcome, span),
    };
    let ends = match end.trim() {
        "success" => ShellEnd::Succeeds,
        "failure" => ShellEnd::Fails,
        "hang" => ShellEnd::Hangs,
        _ => return Err(wrong()),
    };
    Ok((command.trim().to_string(), Shell { ends, after }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASH: SimDuration = SimDuration::from_millis(20);

    fn parse(text: &str) -> Methods {
        Methods::parse(text, &Shells::parse("", BASH).expect("no rows"))
    }

    fn shell(ends: ShellEnd) -> Method {
        Method::Shell { outcome: Shell { ends, after: BASH } }
    }

    #[test]
    fn methods_are_read_line_by_line_without_comments() {
        let text =
            "\n  sshfence(hdfs:2222)  # first\n\nshell(/bin/true)\nsshfence\npowershell(x.ps1)";
        let expected = vec![
            Method::Ssh { port: 2_222 },
            shell(ShellEnd::Succeeds),
            Method::Ssh { port: SSH_PORT },
            Method::Powershell,
        ];
        assert_eq!(parse(text), Methods::Configured(expected));
    }

    #[test]
    fn nothing_is_missing_and_a_comment_is_not() {
        assert_eq!(parse(""), Methods::Missing);
        assert_eq!(parse("# later"), Methods::Configured(Vec::new()));
        assert!(parse("# later").is_configured());
    }

    #[test]
    fn what_upstream_cannot_read_stops_the_controller() {
        for text in ["shell", "shell()", "sshfence(hdfs:x)", "stonith", "sshfence(hdfs"] {
            assert!(!parse(text).is_configured(), "{text}");
        }
    }

    #[test]
    fn a_command_does_what_the_scenario_says() {
        let rows = "/sbin/stonith nn1 => hang\n/opt/fence.sh => failure after 3s";
        let shells = Shells::parse(rows, BASH).expect("two rows");
        let outcome = |command| shells.outcome(command);
        assert_eq!(outcome("/sbin/stonith nn1").ends, ShellEnd::Hangs);
        let slow = Shell { ends: ShellEnd::Fails, after: SimDuration::from_secs(3) };
        assert_eq!(outcome("/opt/fence.sh"), slow);
        assert_eq!(outcome("/bin/false").ends, ShellEnd::Fails);
        assert_eq!(outcome("/opt/other.sh").ends, ShellEnd::Succeeds);
        assert!(Shells::parse("x => maybe", BASH).is_err());
        assert!(Shells::parse("x", BASH).is_err());
    }
}

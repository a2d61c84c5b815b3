//! The program, run by its command line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::app::{SECRET, unset_timeouts};
use super::database::TestDatabase;

/// Exit code and output of a program run.
#[derive(Debug)]
pub(crate) struct RunOutput {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl RunOutput {
    /// The standard output of a successful run.
    #[track_caller]
    pub(crate) fn ok(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out.trim_end_matches('\n')
    }

    /// The standard error of a run that failed with exit code 1.
    #[track_caller]
    pub(crate) fn refused(&self) -> &str {
        assert_eq!(self.code, Some(1), "{self:?}");
        assert!(!self.err.contains("panicked"), "{self:?}");
        self.err.trim_end()
    }
}

/// A command for the program, without the settings in the environment of the tests.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auditgraph"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AUDITGRAPH_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).env("AUDITGRAPH_LOG", "warn").env("AUDITGRAPH_METRICS_LISTEN", "off");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running program. It is killed when dropped.
pub(crate) struct Running(Option<Child>);

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        Self(Some(command.spawn().unwrap()))
    }

    /// Waits until a server listens, and returns its URL.
    pub(crate) fn address(&mut self) -> String {
        let mut lines = BufReader::new(self.stderr.take().unwrap()).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains("listening")).unwrap();
        let port: String = line.rsplit(':').next().unwrap().chars().take_while(char::is_ascii_digit).collect();
        // Drains the rest of the standard error, so that the program does not block.
        std::thread::spawn(move || lines.count());
        format!("http://127.0.0.1:{port}")
    }

    /// Sends it a signal, such as `-TERM`.
    pub(crate) fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.id().to_string()]).status().unwrap().success());
    }

    /// Waits until the program ends.
    pub(crate) fn ended(mut self) -> RunOutput {
        ended(self.0.take().unwrap())
    }
}

impl Deref for Running {
    type Target = Child;

    fn deref(&self) -> &Child {
        self.0.as_ref().unwrap()
    }
}

impl DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // The program may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str]) -> RunOutput {
    ended(program(arguments).spawn().unwrap())
}

/// Waits for the end of the program.
pub(crate) fn ended(child: Child) -> RunOutput {
    let output = child.wait_with_output().unwrap();
    RunOutput {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A database and a folder for files to import.
pub(crate) struct TestCli {
    pub(crate) database: TestDatabase,
    folder: tempfile::TempDir,
}

impl TestCli {
    /// An empty migrated database.
    pub(crate) async fn new() -> Self {
        let cli = Self::unmigrated().await;
        cli.run(&["migrate"]).ok();
        cli
    }

    /// An empty database without a schema.
    pub(crate) async fn unmigrated() -> Self {
        Self { database: TestDatabase::new().await, folder: tempfile::tempdir().unwrap() }
    }

    /// Starts a server on the database.
    pub(crate) fn serve(&self, options: &[&str]) -> (Running, String) {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--jwt-secret", SECRET, "--log", "info"];
        let database = ["--database-url", &self.database.url];
        let mut server =
            Running::start(program(&[&arguments[..], &database, options, &unset_timeouts(options)].concat()));
        let address = server.address();
        (server, address)
    }

    /// Runs a command on the database.
    pub(crate) fn run(&self, arguments: &[&str]) -> RunOutput {
        run(&[arguments, &["--database-url", &self.database.url]].concat())
    }

    /// Runs a command on the database with a standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &[u8]) -> RunOutput {
        let mut command = program(&[arguments, &["--database-url", &self.database.url]].concat());
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        ended(child)
    }

    /// Runs a command on the database with a standard input, and returns its peak memory in KiB too.
    #[cfg(target_os = "linux")]
    pub(crate) fn run_measured(&self, arguments: &[&str], input: &[u8]) -> (RunOutput, u64) {
        let mut command = program(&[arguments, &["--database-url", &self.database.url]].concat());
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let (most, last) = input.split_at(input.len() - 1);
        // After this write, the program has read everything except the content of the pipe.
        stdin.write_all(most).unwrap();
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        let peak = peak.unwrap().parse().unwrap();
        stdin.write_all(last).unwrap();
        drop(stdin);
        (ended(child), peak)
    }

    /// Imports into the log of `contoso`, which is added if it does not exist.
    pub(crate) fn import(&self, files: &[&Path]) -> RunOutput {
        let mut arguments = vec!["import", "--tenant", "contoso", "--create-tenant"];
        arguments.extend(files.iter().map(|file| file.to_str().unwrap()));
        self.run(&arguments)
    }

    /// Creates a file in the folder.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

//! `docs` and `--help`: the reference pages in the repository are those that the code generates, and the help of every
//! command is a snapshot.

use std::path::Path;

use auditgraph::config::Cli;
use clap::CommandFactory as _;

use crate::harness::command::{ended, program, run};

#[test]
fn reference_pages_match_the_code() {
    let generated = tempfile::tempdir().unwrap();
    run(&["docs", "--write", generated.path().to_str().unwrap()]).ok();
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference");
    let mut pages = 0;
    for file in std::fs::read_dir(generated.path()).unwrap() {
        let name = file.unwrap().file_name();
        let read = |folder: &Path| std::fs::read_to_string(folder.join(&name)).unwrap_or_default();
        assert!(
            read(generated.path()) == read(&committed),
            "docs/reference/{} differs from the code: run `cargo run -- docs --write docs/reference`",
            name.display()
        );
        pages += 1;
    }
    assert_eq!(pages, 5);
}

#[test]
fn one_page_is_printed() {
    let page = run(&["docs", "errors"]);
    assert!(page.ok().starts_with("# Errors\n") && page.out.contains("| `UNAUTHENTICATED` |"), "{page:?}");
    assert_eq!(run(&["docs"]).code, Some(2));
    assert_eq!(run(&["docs", "nothing"]).code, Some(2));
}

/// The help of a command, without the settings that the harness has in the environment.
fn help(arguments: &[&str]) -> String {
    let mut command = program(&[arguments, &["--help"]].concat());
    command.env_remove("AUDITGRAPH_LOG").env_remove("AUDITGRAPH_METRICS_LISTEN");
    ended(command.spawn().unwrap()).ok().to_owned()
}

#[test]
fn help_of_every_command_is_as_in_its_snapshot() {
    insta::assert_snapshot!("help", help(&[]));
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        insta::assert_snapshot!(format!("help-{name}"), help(&[name]));
        for action in command.get_subcommands() {
            insta::assert_snapshot!(format!("help-{name}-{}", action.get_name()), help(&[name, action.get_name()]));
        }
    }
}

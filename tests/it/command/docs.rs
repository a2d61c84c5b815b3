//! `docs` and `--help`: the reference pages in the repository are those that the code generates, and the help of every
//! command is a snapshot.

use std::path::{Path, PathBuf};

use auditgraph::config::Cli;
use clap::CommandFactory as _;

use crate::harness::cli::{ended, program, run};

#[test]
fn reference_pages_match_the_code() {
    let generated = tempfile::tempdir().unwrap();
    let mut command = program(&["docs", "--write", generated.path().to_str().unwrap()]);
    command.env_remove("AUDITGRAPH_LOG");
    let written = ended(command.spawn().unwrap());
    assert_eq!((written.ok(), written.err.as_str()), ("", ""), "the server that lists the metrics is silent");
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

/// Every Markdown file in a folder and the folders in it.
fn markdown_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(markdown_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
    files
}

#[test]
fn documentation_names_only_variables_that_are_settings() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let settings = std::fs::read_to_string(folder.join("reference/configuration.md")).unwrap();
    let mut unknown = Vec::new();
    for file in markdown_files(&folder) {
        let text = std::fs::read_to_string(&file).unwrap();
        for rest in text.split("AUDITGRAPH_").skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect();
            // `AUDITGRAPH_` and `AUDITGRAPH_OIDC_...` are prefixes.
            let is_setting = settings.contains(&format!("`AUDITGRAPH_{name}`"));
            if !is_setting && !name.is_empty() && !name.ends_with('_') && !name.starts_with("TEST_") {
                unknown.push(format!("{}: AUDITGRAPH_{name}", file.display()));
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
}

/// The names of series that a metric of the reference has, by its type.
fn series_names() -> Vec<String> {
    let page = include_str!("../../../docs/reference/metrics.md");
    let rows = page.lines().filter(|line| line.starts_with("| `auditgraph_"));
    let names = rows.flat_map(|row| {
        let cells: Vec<&str> = row.split(" | ").collect();
        let name = cells[0].trim_matches(['|', ' ', '`']);
        let suffixes: &[&str] = match cells[1] {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        suffixes.iter().map(move |suffix| format!("{name}{suffix}"))
    });
    names.collect()
}

#[test]
fn alert_rules_and_dashboard_use_only_existing_metrics() {
    let known = series_names();
    assert!(known.len() > 15, "{known:?}");
    for (file, text) in [
        ("alert rules", include_str!("../../../docs/operations/prometheus-alerts.yml")),
        ("tests of the alert rules", include_str!("../../monitoring/alerts.test.yml")),
        ("dashboard", include_str!("../../../docs/operations/grafana-dashboard.json")),
    ] {
        let mut names = 0;
        for rest in text.split("auditgraph_").skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            let name = format!("auditgraph_{name}");
            assert!(known.contains(&name), "the {file} use {name}, which /metrics does not have");
            names += 1;
        }
        assert!(names > 10, "{file}");
    }
}

#[test]
fn recording_page_lists_every_field_and_value() {
    let page = include_str!("../../../docs/api/recording.md");
    let schema = include_str!("../../../schema.graphql");
    // The members of an input or an enum: the first word of the lines that are no descriptions.
    let members = |declaration: &str| -> Vec<String> {
        let (_, body) = schema.split_once(&format!("\n{declaration} {{\n")).unwrap();
        let lines = body.lines().take_while(|line| *line != "}").map(str::trim);
        let mut in_description = false;
        let lines = lines.filter(|line| {
            in_description ^= *line == "\"\"\"";
            !in_description && line.starts_with(|c: char| c.is_ascii_alphabetic())
        });
        lines.map(|line| line.split([':', ' ']).next().unwrap().to_owned()).collect()
    };
    let inputs = ["AuditEventInput", "UserActorInput", "ApplicationActorInput", "SystemActorInput", "TargetInput"];
    let enums = ["ActivityStatus", "OperationType", "ResourceType", "GroupSource", "InputProblemCode"];
    let inputs =
        inputs.iter().chain(&["ModifiedPropertyInput", "AuditDetailInput"]).map(|name| format!("input {name}"));
    for declaration in inputs.chain(enums.map(|name| format!("enum {name}"))) {
        for member in members(&declaration) {
            assert!(page.contains(&format!("`{member}`")), "{declaration}: {member} is not in docs/api/recording.md");
        }
    }
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

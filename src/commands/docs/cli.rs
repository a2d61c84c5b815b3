//! The page `cli.md`: every command with its usage and arguments.

use clap::{Arg, Command, CommandFactory as _};

use super::markdown::{MarkdownPage, anchor, code};
use super::setting::{default, meaning_and_bounds, syntax};
use crate::config::Cli;

const INTRODUCTION: &str = "\
`auditgraph COMMAND --help` prints the arguments of a command. Options with an environment variable are
[settings](configuration.md). Results go to standard output, log lines and errors to standard error.

The exit code is 0 on success, 1 if the command failed or found problems (`check`, `verify`, and `import` with rejected
or conflicting records), and 2 if the command line is wrong.";

pub(super) fn page() -> String {
    let mut root = Cli::command();
    root.build();
    let mut page = MarkdownPage::new("Command line");
    page.block(INTRODUCTION);
    let commands: Vec<&Command> = root.get_subcommands().filter(|command| command.get_name() != "help").collect();
    let rows: Vec<_> = commands.iter().map(|command| [link(command), about(command)]).collect();
    page.table(["command", "purpose"], &rows);
    for command in commands {
        add_command(&mut page, command);
    }
    page.finish()
}

fn link(command: &Command) -> String {
    let name = format!("auditgraph {}", command.get_name());
    format!("[{}](#{})", code(&name), anchor(&name))
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn add_command(page: &mut MarkdownPage, command: &Command) {
    let name = format!("auditgraph {}", command.get_name());
    page.heading(&name);
    page.block(&format!("{}.", about(command).trim_end_matches('.')));
    page.block(&usage(command));
    add_arguments(page, command);
    let actions = command.get_subcommands().filter(|action| action.get_name() != "help");
    for action in actions {
        page.subheading(&format!("{name} {}", action.get_name()));
        page.block(&format!("{}.", about(action).trim_end_matches('.')));
        page.block(&usage(action));
        add_arguments(page, action);
    }
    let groups = setting_groups(command);
    if !groups.is_empty() {
        let links = groups.iter().map(|group| format!("[{group}](configuration.md#{})", anchor(group)));
        page.block(&format!("Settings: {}.", links.collect::<Vec<_>>().join(", ")));
    }
}

fn usage(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    format!("```text\n{}\n```", usage.trim_start_matches("Usage: ").trim_end())
}

/// Whether the argument belongs to a group of settings, which `configuration.md` describes.
fn is_in_group(argument: &Arg) -> bool {
    argument.get_help_heading().is_some()
}

fn is_built_in(argument: &Arg) -> bool {
    matches!(argument.get_id().as_str(), "help" | "version")
}

/// Adds a table of the command's own arguments.
fn add_arguments(page: &mut MarkdownPage, command: &Command) {
    let own = command.get_arguments().filter(|argument| !is_in_group(argument) && !is_built_in(argument));
    let rows: Vec<_> = own.map(row).collect();
    if !rows.is_empty() {
        page.table(["argument", "default", "values", "meaning"], &rows);
    }
}

fn row(argument: &Arg) -> [String; 4] {
    let (meaning, bounds) = meaning_and_bounds(argument);
    let variable = argument.get_env().map(|name| format!("<br>{}", code(&name.to_string_lossy())));
    [code(&syntax(argument)) + &variable.unwrap_or_default(), default(argument), bounds, meaning]
}

fn setting_groups(command: &Command) -> Vec<String> {
    let mut groups = Vec::new();
    for group in command.get_arguments().filter_map(Arg::get_help_heading) {
        if !groups.iter().any(|known| known == group) {
            groups.push(group.to_owned());
        }
    }
    groups
}

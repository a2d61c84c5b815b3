//! The settings of the command line, as the reference describes them.

use clap::{Arg, ArgAction, Command};

use super::markdown::code;

/// A setting: an option that also has an environment variable.
pub(super) struct SettingReference {
    /// The id of the option, which is the name of its field.
    pub(super) id: String,
    pub(super) variable: String,
    /// The option with its value, such as `--cost-max POINTS`.
    pub(super) option: String,
    /// The group that `--help` lists the option in.
    pub(super) group: String,
    /// The default in Markdown; empty if there is none.
    pub(super) default: String,
    /// The bounds of a number, or the possible values, in Markdown; empty for other types.
    pub(super) bounds: String,
    pub(super) meaning: String,
}

/// Returns the settings among the arguments of a command, with `default_group` for those in no group.
pub(super) fn settings(command: &Command, default_group: &str) -> Vec<SettingReference> {
    command.get_arguments().filter_map(|argument| SettingReference::of(argument, default_group)).collect()
}

impl SettingReference {
    fn of(argument: &Arg, default_group: &str) -> Option<Self> {
        let variable = argument.get_env()?.to_string_lossy().into_owned();
        let (meaning, bounds) = meaning_and_bounds(argument);
        Some(Self {
            id: argument.get_id().to_string(),
            variable,
            option: syntax(argument),
            group: argument.get_help_heading().unwrap_or(default_group).to_owned(),
            default: default(argument),
            bounds,
            meaning,
        })
    }
}

/// Returns an argument as it is written on the command line: `FILE`, `--undo` or `--cost-max POINTS`.
pub(super) fn syntax(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    let value = names.first().map_or_else(|| argument.get_id().as_str().to_uppercase(), ToString::to_string);
    match argument.get_long() {
        None => value,
        Some(long) if matches!(argument.get_action(), ArgAction::SetTrue) => format!("--{long}"),
        Some(long) => format!("--{long} {value}"),
    }
}

/// Returns the default of an argument in Markdown. Sizes that are whole KiB or MiB are also given in these units.
pub(super) fn default(argument: &Arg) -> String {
    if matches!(argument.get_action(), ArgAction::SetTrue) {
        return String::new();
    }
    let values: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if values.is_empty() {
        return String::new();
    }
    let value = values.join(",");
    let is_size = argument.get_value_names().is_some_and(|names| names.iter().any(|name| name.as_str() == "BYTES"));
    match value.parse::<u64>() {
        Ok(bytes) if is_size && bytes % (1 << 20) == 0 => format!("{} ({} MiB)", code(&value), bytes >> 20),
        Ok(bytes) if is_size && bytes % (1 << 10) == 0 => format!("{} ({} KiB)", code(&value), bytes >> 10),
        _ => code(&value),
    }
}

/// Returns the help text of an argument without its bounds, and the bounds.
pub(super) fn meaning_and_bounds(argument: &Arg) -> (String, String) {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let help = help.trim_end_matches('.');
    let values: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| code(value.get_name()))
        .collect();
    if !values.is_empty() && !matches!(argument.get_action(), ArgAction::SetTrue) {
        return (help.to_owned(), values.join(", "));
    }
    match help.rsplit_once("From ") {
        Some((meaning, bounds)) if bounds.contains(" to ") => {
            (meaning.trim_end().trim_end_matches('.').to_owned(), bounds.to_owned())
        }
        _ => (help.to_owned(), String::new()),
    }
}

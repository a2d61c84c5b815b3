//! The page `configuration.md`: every setting by group, and the keys of the configuration file.

use std::collections::BTreeSet;

use clap::CommandFactory as _;

use super::markdown::{MarkdownPage, anchor, code};
use super::setting::{SettingReference, settings};
use crate::config::Cli;
use crate::config::file::reference::TABLES;

const INTRODUCTION: &str = "\
Each setting is an environment variable and an option of the commands that use it; the option takes precedence.
`auditgraph COMMAND --help` lists the options of a command. Commands ignore settings that they do not use, so one
environment serves all of them. `serve` refuses `AUDITGRAPH_` variables that are no settings, and `check`
reports them.

Settings are validated at start. [Limits](limits.md) describes what happens to a request over a limit. Issuers, grants
and some other settings can also be in a [configuration file](#configuration-file).";

const FILE: &str = "\
`AUDITGRAPH_CONFIG` or `--config` names a file in TOML. Unknown keys and invalid values are refused at start, with the
line. [Authentication](../authentication.md) has examples.";

/// The group of the settings that only `import` has.
const IMPORT_GROUP: &str = "Import";

/// Returns all settings: those of `serve` in the order of its help, then those that only other commands have.
pub(super) fn all_settings() -> Vec<SettingReference> {
    // Building the command adds the global options to the subcommands.
    let mut root = Cli::command();
    root.build();
    let mut all: Vec<SettingReference> =
        root.find_subcommand("serve").map(|serve| settings(serve, "Server")).unwrap_or_default();
    for command in root.get_subcommands() {
        for setting in settings(command, IMPORT_GROUP) {
            if all.iter().all(|known| known.variable != setting.variable) {
                all.push(setting);
            }
        }
    }
    all
}

/// Returns the groups of settings in the order of the page.
pub(super) fn groups(settings: &[SettingReference]) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    settings.iter().map(|setting| setting.group.as_str()).filter(|group| seen.insert(*group)).collect()
}

pub(super) fn page() -> String {
    let mut page = MarkdownPage::new("Configuration");
    page.block(INTRODUCTION);
    let settings = all_settings();
    let groups = groups(&settings);
    let contents = groups.iter().chain(&["Configuration file"]).map(|group| format!("[{group}](#{})", anchor(group)));
    page.block(&format!("{}.", contents.collect::<Vec<_>>().join(" · ")));
    for group in groups {
        page.heading(group);
        let rows: Vec<_> = settings.iter().filter(|setting| setting.group == group).map(row).collect();
        page.table(["setting", "default", "values", "meaning"], &rows);
    }
    page.heading("Configuration file");
    page.block(FILE);
    for table in TABLES {
        if !table.header.is_empty() {
            page.subheading(&code(table.header));
        }
        page.block(table.meaning);
        let row = |key: &crate::config::file::reference::KeyReference| {
            [code(key.name), key.value.to_owned(), key.default.to_owned(), key.meaning.to_owned()]
        };
        page.table(["key", "value", "default", "meaning"], &table.keys.iter().map(row).collect::<Vec<_>>());
    }
    page.finish()
}

fn row(setting: &SettingReference) -> [String; 4] {
    let names = format!("{}<br>{}", code(&setting.variable), code(&setting.option));
    [names, setting.default.clone(), setting.bounds.clone(), setting.meaning.clone()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of all environment variables in the sources of the settings.
    fn variables_in_sources() -> BTreeSet<String> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config");
        let mut names = BTreeSet::new();
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let Ok(source) = std::fs::read_to_string(&path) else { continue };
            let found = source.split("env = \"").skip(1).filter_map(|rest| rest.split('"').next());
            names.extend(found.map(str::to_owned));
        }
        names
    }

    #[test]
    fn every_setting_is_on_the_page() {
        let page = page();
        let variables = variables_in_sources();
        assert!(variables.len() > 50, "{variables:?}");
        for variable in variables {
            assert!(page.contains(&format!("`{variable}`<br>")), "{variable}");
        }
    }

    #[test]
    fn every_setting_has_a_meaning() {
        for setting in all_settings() {
            assert!(!setting.meaning.is_empty() && !setting.meaning.contains('\n'), "{}", setting.variable);
        }
    }
}

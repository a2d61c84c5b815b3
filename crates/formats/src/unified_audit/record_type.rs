//! The types of unified audit records.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A line for each type: number, name and other names, separated by tabs.
const TABLE: &str = include_str!("record_types.tsv");

/// The names of the types by number and by every name in lower case.
static NAMES: LazyLock<HashMap<String, &str>> = LazyLock::new(|| {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let columns = lines.filter_map(|line| Some((line.split('\t'), line.split('\t').nth(1)?)));
    columns.flat_map(|(keys, name)| keys.map(move |key| (key.to_lowercase(), name))).collect()
});

/// Returns the name of the type with this number or name, or the string itself if the type is not known.
pub(super) fn name_of(record_type: &str) -> String {
    let record_type = record_type.trim();
    NAMES.get(&record_type.to_lowercase()).map_or_else(|| record_type.to_owned(), |name| (*name).to_owned())
}

/// Whether a string is a name, not the number of a type.
pub(super) fn is_name(record_type: &str) -> bool {
    record_type.chars().any(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_valid() {
        let mut numbers = Vec::new();
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let columns: Vec<&str> = line.split('\t').collect();
            numbers.push(columns[0].parse::<u16>().unwrap());
            assert!(
                columns.len() >= 2 && columns[1..].iter().all(|name| is_name(name) && name.trim() == *name),
                "{line}"
            );
            assert!(columns[1..].iter().all(|name| name_of(name) == columns[1]), "{line}: the name has several types");
        }
        assert!(numbers.is_sorted_by(|a, b| a < b));
        assert_eq!(numbers.len(), 456);
    }

    #[test]
    fn types_are_found_by_number_and_by_every_name() {
        for (given, name) in [
            ("1", "ExchangeAdmin"),
            ("14", "SharePointSharingOperation"),
            ("20", "PowerBIAudit"),
            ("22", "Yammer"),
            ("24", "Discovery"),
            ("50", "ExchangeItemAggregated"),
            ("188", "PlannerPlan"),
            ("261", "CopilotInteraction"),
            ("462", "MicrosoftTeamsUserConcern"),
            ("VivaEngage", "Yammer"),
            ("azureActiveDirectory", "AzureActiveDirectory"),
            ("Microsoft365BackupBackupPolicy", "BackupPolicy"),
            ("9999", "9999"),
            ("SomethingNew", "SomethingNew"),
        ] {
            assert_eq!(name_of(given), name);
        }
    }
}

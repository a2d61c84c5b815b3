//! Parses the tables of names into activity types.
//!
//! A table has a section for each category of a service and a line for each activity, with fields only for values that
//! differ from the rules. A test checks that every line is valid, so callers get no error.

use super::super::classification::{operation_type, resource_type};
use super::super::{OperationType, ResourceType};
use super::ActivityType;

/// The content of the tables.
const TABLES: [&str; 3] = [include_str!("entra.tsv"), include_str!("entra_b2c_pim.tsv"), include_str!("intune.tsv")];

/// The parsed tables.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) types: Vec<ActivityType>,
    /// Every category of every service, including categories without a known activity.
    pub(super) sections: Vec<(String, String)>,
    /// Services and their names in older portals.
    pub(super) service_aliases: Vec<(String, String)>,
}

/// Parses all tables. The second value contains the lines that are not valid, for the test.
pub(super) fn read_all() -> (Tables, Vec<String>) {
    let (mut tables, mut invalid) = (Tables::default(), Vec::new());
    for table in TABLES {
        read(table, &mut tables, &mut invalid);
    }
    (tables, invalid)
}

fn read(table: &str, tables: &mut Tables, invalid: &mut Vec<String>) {
    let mut section = None;
    for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let pair = |line: &str| line.split_once('\t').map(|(a, b)| (a.to_owned(), b.to_owned()));
        let is_valid = if let Some(names) = line.strip_prefix("@ ") {
            section = pair(names);
            tables.sections.extend(section.clone());
            section.is_some()
        } else if let Some(names) = line.strip_prefix("= ") {
            let alias = pair(names);
            tables.service_aliases.extend(alias.clone());
            alias.is_some()
        } else {
            let entry = section.as_ref().and_then(|(service, category)| entry(service, category, line));
            let is_valid = entry.is_some();
            tables.types.extend(entry);
            is_valid
        };
        if !is_valid {
            invalid.push(line.to_owned());
        }
    }
}

/// Parses the line of an activity. Returns `None` if it has an unknown field.
fn entry(service: &str, category: &str, line: &str) -> Option<ActivityType> {
    let mut fields = line.split('\t');
    let name = fields.next().filter(|name| !name.is_empty() && name.trim() == *name)?;
    let mut entry = ActivityType {
        key: name.to_owned(),
        display_name: name.to_owned(),
        category: category.to_owned(),
        service: service.to_owned(),
        resource_type: ResourceType::Other,
        operation_type: OperationType::Other,
        aliases: Vec::new(),
        legacy: Vec::new(),
        property_names: Vec::new(),
    };
    let (mut verb, mut resource) = (None, None);
    for field in fields {
        let (field, value) = field.split_once('=')?;
        match field {
            "key" => value.clone_into(&mut entry.key),
            "verb" => verb = Some(value),
            "resource" => resource = Some(ResourceType::from_name(value)?),
            "alias" => entry.aliases.push(value.to_owned()),
            "changes" => entry.property_names.extend(value.split(',').map(ToOwned::to_owned)),
            "legacy" => {
                let (label, kind) = value.split_once('/')?;
                entry.legacy.push((label.to_owned(), ResourceType::from_name(kind)?));
            }
            _ => return None,
        }
    }
    entry.resource_type = resource.unwrap_or_else(|| resource_type(category, name, []));
    entry.operation_type = operation_type(verb, name);
    Some(entry)
}

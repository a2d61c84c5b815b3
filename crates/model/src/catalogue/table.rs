//! The tables of names, read into activity types.
//!
//! A table is text: a section for each category of a service, a line for each activity, with fields only for what
//! differs from the rules. A test proves that every line can be read, so callers never see an error.

use super::super::classification::{operation_type, resource_type};
use super::super::{OperationType, ResourceType};
use super::ActivityType;

/// The tables themselves.
const TABLES: [&str; 3] = [include_str!("entra.tsv"), include_str!("entra_b2c_pim.tsv"), include_str!("intune.tsv")];

/// What the tables say.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) types: Vec<ActivityType>,
    /// Every category of every service, those without a known activity included.
    pub(super) sections: Vec<(String, String)>,
    /// Services and what older portals called them.
    pub(super) service_aliases: Vec<(String, String)>,
}

/// Reads all tables; the second part is the lines that make no sense, of which there are none.
pub(super) fn read_all() -> (Tables, Vec<String>) {
    let (mut tables, mut wrong) = (Tables::default(), Vec::new());
    for text in TABLES {
        read(text, &mut tables, &mut wrong);
    }
    (tables, wrong)
}

fn read(text: &str, tables: &mut Tables, wrong: &mut Vec<String>) {
    let mut section = None;
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let pair = |text: &str| text.split_once('\t').map(|(a, b)| (a.to_owned(), b.to_owned()));
        let understood = if let Some(names) = line.strip_prefix("@ ") {
            section = pair(names);
            tables.sections.extend(section.clone());
            section.is_some()
        } else if let Some(names) = line.strip_prefix("= ") {
            let alias = pair(names);
            tables.service_aliases.extend(alias.clone());
            alias.is_some()
        } else {
            let entry = section.as_ref().and_then(|(service, category)| entry(service, category, line));
            let understood = entry.is_some();
            tables.types.extend(entry);
            understood
        };
        if !understood {
            wrong.push(line.to_owned());
        }
    }
}

/// One activity; none if a field is not one that is known.
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
    let (mut verb, mut resource, mut operation) = (None, None, None);
    for field in fields {
        let (field, value) = field.split_once('=')?;
        match field {
            "key" => value.clone_into(&mut entry.key),
            "verb" => verb = Some(value),
            "resource" => resource = Some(ResourceType::from_name(value)?),
            "operation" => operation = Some(OperationType::from_name(value)?),
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
    entry.operation_type = operation.unwrap_or_else(|| operation_type(verb, name));
    Some(entry)
}

//! Bodies of made-up events: those of the demo, and those that the program makes of records of every format.

use std::collections::BTreeSet;

use fastrand::Rng;

use crate::grammar::Grammar;
use formats::RecordFormat;
use model::catalogue::{ActivityType, catalogue};
use model::event::RESERVED_SERVICE;
use model::json::JsonNode;
use model::sensitive::SensitiveNames;
use model::{ActorKind, EventBody, GroupSource, NewEvent, OperationType, PropertyChange, Recording, RecordingRoute};
use model::{ResourceType, Status, Timestamp};

/// The number of bodies to train on.
pub(crate) const COUNT: usize = 16_000;
/// The companies of the demo's events. Each has other people, groups and devices.
const COMPANIES: usize = 5;
/// One in this many bodies is of the demo.
const DEMO_DIVISOR: usize = 2;
/// The time at which the events are recorded.
const NOW: Timestamp = Timestamp(1_798_000_000_000_000);
/// The name of an imported file.
const IMPORTED_FILE: &str = "export.ndjson";
/// The service that most events of Entra belong to.
const CORE_DIRECTORY: &str = "Core Directory";

/// Bodies, and the same bodies with their values masked.
pub(crate) struct MadeUpBodies {
    pub(crate) bodies: Vec<String>,
    pub(crate) masked: Vec<String>,
}

/// Returns made-up bodies. Equal counts give equal bodies.
pub(crate) fn made_up(count: usize) -> anyhow::Result<MadeUpBodies> {
    let (grammar, mut rng) = (Grammar::read(), Rng::with_seed(1));
    let mut bodies = Vec::with_capacity(count);
    let mut vocabulary = grammar.words();
    vocabulary.extend(names_of_values());
    for company in 0..COMPANIES {
        let events = demo_data::events(company as u64, NOW, count / DEMO_DIVISOR / COMPANIES);
        for mut body in events {
            body.recording = recording(None, &mut rng);
            vocabulary.extend(terms(&body).flat_map(body_codec::mask::words).map(str::to_owned));
            bodies.push(stored(body)?);
        }
    }
    while bodies.len() < count {
        let record = grammar.record(activity(&mut rng), &mut rng);
        bodies.push(stored(recorded(&record, &mut rng)?)?);
    }
    rng.shuffle(&mut bodies);
    vocabulary.extend(member_names(&bodies));
    let masked = bodies.iter().filter_map(|body| body_codec::mask::mask(body, &vocabulary)).collect();
    Ok(MadeUpBodies { bodies, masked })
}

/// Returns a random activity of the catalogue: half of them are of the directory.
fn activity(rng: &mut Rng) -> &'static ActivityType {
    let types = catalogue().types();
    let is_directory = rng.bool();
    loop {
        let found = &types[rng.usize(..types.len())];
        if !is_directory || found.service == CORE_DIRECTORY {
            return found;
        }
    }
}

/// Returns the event that is recorded for a record.
fn recorded(record: &str, rng: &mut Rng) -> anyhow::Result<EventBody> {
    let node = JsonNode::parse(record).ok_or_else(|| anyhow::anyhow!("not JSON: {record}"))?;
    let recognised = formats::recognise(&node).map_err(|refused| anyhow::anyhow!("{refused}: {record}"))?;
    let mut body = recognised.body;
    let source_tenant_id = body.recording.source_tenant_id.take();
    body.recording = Recording { source_tenant_id, ..recording(Some(recognised.format), rng) };
    if body.service == RESERVED_SERVICE {
        RESERVED_SERVICE.clone_into(&mut body.recording.recorded_by);
        body.recording = Recording {
            route: RecordingRoute::Internal,
            issuer: None,
            client_id: None,
            source: None,
            ..body.recording
        };
    }
    Ok(body)
}

/// Returns how an event was recorded: of a record in a format, or of the API's own shape.
fn recording(format: Option<RecordFormat>, rng: &mut Rng) -> Recording {
    let source = format.filter(|format| *format != RecordFormat::Generic).map(RecordFormat::name);
    let imported = rng.u32(..3) == 0;
    let through_api = |route| Recording {
        route,
        recorded_by: "00000000-0000-0000-0000-000000000000".to_owned(),
        issuer: Some("https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000/v2.0".to_owned()),
        client_id: Some("00000000-0000-0000-0000-000000000000".to_owned()),
        source: source.map(str::to_owned),
        source_tenant_id: None,
    };
    match source {
        Some(source) if imported => Recording {
            source: Some(format!("{source} {IMPORTED_FILE}")),
            recorded_by: "operator".to_owned(),
            issuer: None,
            client_id: None,
            ..through_api(RecordingRoute::Import)
        },
        None if imported => through_api(RecordingRoute::GraphQl),
        _ => through_api(RecordingRoute::Rest),
    }
}

/// Returns the body of an event as it is stored.
fn stored(body: EventBody) -> anyhow::Result<String> {
    let event = NewEvent::parse(body, NOW, &SensitiveNames::default());
    Ok(event.map_err(|problems| anyhow::anyhow!("{problems:?}"))?.json().to_owned())
}

/// Returns the words of the names of all enumerated values, and of all formats.
fn names_of_values() -> BTreeSet<String> {
    let kinds = ActorKind::ALL.iter().map(|value| value.name());
    let changes = PropertyChange::ALL.iter().map(|value| value.name());
    let routes = RecordingRoute::ALL.iter().map(|value| value.name());
    let statuses = Status::ALL.iter().map(|value| value.name());
    let operations = OperationType::ALL.iter().map(|value| value.name());
    let resources = ResourceType::ALL.iter().map(|value| value.name());
    let groups = GroupSource::ALL.iter().map(|value| value.name());
    let formats = RecordFormat::ALL.iter().map(|value| value.name());
    let names = kinds.chain(changes).chain(routes).chain(statuses).chain(operations).chain(resources);
    let names = names.chain(groups).chain(formats).chain([IMPORTED_FILE]);
    names.flat_map(body_codec::mask::words).map(str::to_owned).collect()
}

/// Returns the strings of an event of the demo that are terms of its service, and no values of a tenant.
fn terms(body: &EventBody) -> impl Iterator<Item = &str> {
    let event = [&body.activity, &body.activity_display_name, &body.category].into_iter().chain(&body.component);
    let targets = body
        .targets
        .iter()
        .flat_map(|target| target.kind.iter().chain(target.modified_properties.iter().map(|change| &change.name)));
    let details = body.additional_details.iter().map(|detail| &detail.key);
    event.chain(targets).chain(details).chain(&body.actor.permissions).map(String::as_str)
}

/// Returns the words of the names of all members.
fn member_names(bodies: &[String]) -> BTreeSet<String> {
    fn collect(value: &serde_json::Value, names: &mut BTreeSet<String>) {
        match value {
            serde_json::Value::Object(members) => {
                for (name, value) in members {
                    names.extend(body_codec::mask::words(name).map(str::to_owned));
                    collect(value, names);
                }
            }
            serde_json::Value::Array(elements) => elements.iter().for_each(|element| collect(element, names)),
            _ => {}
        }
    }
    let mut names = BTreeSet::new();
    for body in bodies {
        if let Ok(value) = serde_json::from_str(body) {
            collect(&value, &mut names);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_bodies_are_the_same_each_time_and_have_every_format() {
        let made_up = self::made_up(1_500).unwrap();
        assert_eq!(made_up.bodies, self::made_up(1_500).unwrap().bodies);
        assert_eq!((made_up.bodies.len(), made_up.masked.len()), (1_500, 1_500));
        // A generic record and an event of the API have no format.
        for format in RecordFormat::ALL.iter().filter(|format| **format != RecordFormat::Generic) {
            let source = format!("\"source\":\"{}", format.name());
            assert!(made_up.bodies.iter().any(|body| body.contains(&source)), "{}", format.name());
        }
        for route in RecordingRoute::ALL {
            let route = format!("\"route\":\"{}\"", route.name());
            assert!(made_up.bodies.iter().any(|body| body.contains(&route)), "{route}");
        }
    }

    #[test]
    fn masked_bodies_have_no_value() {
        let made_up = self::made_up(1_000).unwrap();
        assert!(made_up.bodies.iter().any(|body| body.contains("contoso.com")));
        for (body, masked) in made_up.bodies.iter().zip(&made_up.masked) {
            assert_ne!(body, masked);
            assert!(!masked.contains("contoso.com"), "{masked}");
        }
    }
}

//! A stored event, read in place: texts are borrowed from it, and values stay the JSON that they are.
//!
//! A page is written from these. [`super::Event`] is the same with owned texts, for all code that looks into them; a
//! test runs random documents both ways to prove that both show the same (`tests/it/api/written.rs`).

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

use super::{
    Actor, ActorApplication, ActorKind, EventId, GroupSource, OperationType, PropertyChange, RecordingRoute,
    ResourceType, Scope, Status, Target, Timestamp, WithheldReason,
};

/// A text, borrowed from the stored event where it stands there without escapes, as nearly all do.
#[derive(Clone, Debug)]
pub struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    /// The text itself.
    pub fn value(&self) -> &str {
        &self.0
    }

    /// Appends the text as JSON.
    pub fn write(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Cow::Borrowed(unescaped) => {
                out.push(b'"');
                out.extend_from_slice(unescaped.as_bytes());
                out.push(b'"');
            }
            // A string always serialises, and a vector takes it.
            Cow::Owned(text) => drop(serde_json::to_writer(out, text)),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> de::Visitor<'de> for Read {
            type Value = Text<'de>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a string")
            }

            // JSON lends a text only if it has no escapes.
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Read)
    }
}

/// A member that is there is a value, also where that is `null`.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a str>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(|value| Some(value.get()))
}

/// A stored event as a scope shows it.
#[derive(Debug)]
pub struct EventView<'a> {
    /// Its place in the log.
    pub sequence: i64,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// What happened.
    pub body: BodyView<'a>,
    /// All of it as stored; none if something of it is withheld.
    pub raw: Option<&'a str>,
    /// Whether something of it is withheld.
    pub is_redacted: bool,
}

/// See [`super::EventBody`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of `EventBody`")]
pub struct BodyView<'a> {
    #[serde(borrow)]
    pub event_key: Text<'a>,
    pub occurred_at: Text<'a>,
    pub activity: Text<'a>,
    pub activity_display_name: Text<'a>,
    pub category: Text<'a>,
    pub service: Text<'a>,
    #[serde(default)]
    pub component: Option<Text<'a>>,
    pub operation_type: OperationType,
    pub resource_type: ResourceType,
    #[serde(default)]
    pub group_source: Option<GroupSource>,
    pub status: Status,
    #[serde(default)]
    pub status_reason: Option<Text<'a>>,
    #[serde(default)]
    pub status_reason_is_sensitive: bool,
    #[serde(default)]
    pub correlation_id: Option<Text<'a>>,
    pub actor: ActorView<'a>,
    #[serde(default)]
    pub targets: Vec<TargetView<'a>>,
    #[serde(default)]
    pub additional_details: Vec<DetailView<'a>>,
    #[serde(default, borrow, deserialize_with = "present")]
    pub unmapped: Option<&'a str>,
    #[serde(default)]
    pub unmapped_is_sensitive: bool,
    pub recording: RecordingView<'a>,
}

/// See [`Actor`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of `Actor`")]
pub struct ActorView<'a> {
    pub kind: ActorKind,
    #[serde(default, borrow)]
    pub object_id: Option<Text<'a>>,
    #[serde(default)]
    pub user_principal_name: Option<Text<'a>>,
    #[serde(default)]
    pub display_name: Option<Text<'a>>,
    #[serde(default)]
    pub service_principal_name: Option<Text<'a>>,
    #[serde(default)]
    pub application: Option<ApplicationView<'a>>,
    #[serde(default)]
    pub permissions: Vec<Text<'a>>,
    #[serde(default)]
    pub ip_address: Option<Text<'a>>,
    #[serde(default)]
    pub user_agent: Option<Text<'a>>,
}

/// See [`ActorApplication`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of `ActorApplication`")]
pub struct ApplicationView<'a> {
    #[serde(default, borrow)]
    pub application_id: Option<Text<'a>>,
    #[serde(default)]
    pub display_name: Option<Text<'a>>,
}

/// See [`Target`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of `Target`")]
pub struct TargetView<'a> {
    #[serde(default, borrow)]
    pub object_id: Option<Text<'a>>,
    #[serde(default)]
    pub user_principal_name: Option<Text<'a>>,
    #[serde(default)]
    pub display_name: Option<Text<'a>>,
    #[serde(default, rename = "type")]
    pub kind: Option<Text<'a>>,
    #[serde(default)]
    pub modified_properties: Vec<ChangeView<'a>>,
}

/// See [`super::ModifiedProperty`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of `ModifiedProperty`")]
pub struct ChangeView<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    pub change: PropertyChange,
    #[serde(default, deserialize_with = "present")]
    pub old_value: Option<&'a str>,
    #[serde(default, deserialize_with = "present")]
    pub new_value: Option<&'a str>,
    #[serde(default)]
    pub is_sensitive: bool,
    #[serde(skip)]
    pub withheld: Option<WithheldReason>,
}

/// See [`super::Detail`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of `Detail`")]
pub struct DetailView<'a> {
    #[serde(borrow)]
    pub key: Text<'a>,
    #[serde(default)]
    pub value: Option<Text<'a>>,
    #[serde(default)]
    pub is_sensitive: bool,
    #[serde(skip)]
    pub withheld: Option<WithheldReason>,
}

/// See [`super::Recording`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of `Recording`")]
pub struct RecordingView<'a> {
    pub route: RecordingRoute,
    #[serde(borrow)]
    pub recorded_by: Text<'a>,
    #[serde(default)]
    pub client_id: Option<Text<'a>>,
    #[serde(default)]
    pub source: Option<Text<'a>>,
    #[serde(default)]
    pub source_tenant_id: Option<Text<'a>>,
}

impl<'a> EventView<'a> {
    /// Reads a stored body.
    ///
    /// # Errors
    /// If it is none.
    pub fn read(sequence: i64, recorded_at: Timestamp, body: &'a str) -> Result<Self, serde_json::Error> {
        Ok(Self { sequence, recorded_at, raw: Some(body), is_redacted: false, body: serde_json::from_str(body)? })
    }

    /// The event as a scope shows it; none if the event does not exist for it. The same rules as
    /// [`super::Event::reduced`].
    pub fn reduced(mut self, scope: &Scope) -> Option<Self> {
        let service = self.body.service.value();
        if !scope.visible.has(service) {
            return None;
        }
        if !scope.sensitive.has(service) && self.body.is_sensitive() {
            self.is_redacted = true;
            self.raw = None;
            self.body.withhold();
        }
        Some(self)
    }

    /// The id of the event.
    pub fn id(&self) -> EventId {
        EventId::of(self.body.service.value(), self.body.event_key.value())
    }
}

impl<'a> ActorView<'a> {
    /// The name to show, where that is one of its texts; see [`Actor::name`].
    pub fn name(&self) -> Option<&Text<'a>> {
        let application = self.application.as_ref();
        let shown = match self.kind {
            ActorKind::Application => application
                .and_then(|application| application.display_name.as_ref())
                .or(self.service_principal_name.as_ref()),
            _ => self.display_name.as_ref(),
        };
        let application_id = application.and_then(|application| application.application_id.as_ref());
        let names = [shown, self.user_principal_name.as_ref(), self.object_id.as_ref(), application_id];
        names.into_iter().flatten().find(|name| !name.value().trim().is_empty())
    }
}

impl BodyView<'_> {
    fn is_sensitive(&self) -> bool {
        self.status_reason_is_sensitive
            || self.unmapped_is_sensitive
            || self.additional_details.iter().any(|detail| detail.is_sensitive)
            || self.targets.iter().flat_map(|target| &target.modified_properties).any(|change| change.is_sensitive)
    }

    fn withhold(&mut self) {
        self.unmapped = None;
        if self.status_reason_is_sensitive {
            self.status_reason = None;
        }
        for detail in self.additional_details.iter_mut().filter(|detail| detail.is_sensitive) {
            detail.value = None;
            detail.withheld = Some(WithheldReason::Sensitive);
        }
        let changes = self.targets.iter_mut().flat_map(|target| &mut target.modified_properties);
        for change in changes.filter(|change| change.is_sensitive) {
            change.old_value = None;
            change.new_value = None;
            change.withheld = Some(WithheldReason::Sensitive);
        }
    }
}

fn owned(text: Option<&Text<'_>>) -> Option<String> {
    text.map(|text| text.value().to_owned())
}

impl From<&ActorView<'_>> for Actor {
    fn from(view: &ActorView<'_>) -> Self {
        Self {
            kind: view.kind,
            object_id: owned(view.object_id.as_ref()),
            user_principal_name: owned(view.user_principal_name.as_ref()),
            display_name: owned(view.display_name.as_ref()),
            service_principal_name: owned(view.service_principal_name.as_ref()),
            application: view.application.as_ref().map(|application| ActorApplication {
                application_id: owned(application.application_id.as_ref()),
                display_name: owned(application.display_name.as_ref()),
            }),
            permissions: view.permissions.iter().map(|permission| permission.value().to_owned()).collect(),
            ip_address: owned(view.ip_address.as_ref()),
            user_agent: owned(view.user_agent.as_ref()),
        }
    }
}

impl From<&TargetView<'_>> for Target {
    /// Without its changes, which are not part of what identifies it.
    fn from(view: &TargetView<'_>) -> Self {
        Self {
            object_id: owned(view.object_id.as_ref()),
            user_principal_name: owned(view.user_principal_name.as_ref()),
            display_name: owned(view.display_name.as_ref()),
            kind: owned(view.kind.as_ref()),
            modified_properties: Vec::new(),
        }
    }
}

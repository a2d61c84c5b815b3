//! The tenant's policies and their settings, which provide the old and new values of changes.

use std::fmt::Write as _;

use fastrand::Rng;

use super::tenant::{guid, named};
use model::Target;

/// The states of a Conditional Access policy.
const STATES: &[&str] = &["enabledForReportingButNotEnforced", "enabled", "disabled"];

/// A setting and its possible values.
type PolicySetting = (&'static str, &'static [&'static str]);

const CONDITIONAL_ACCESS: &[PolicySetting] = &[
    ("state", STATES),
    ("controls", &[r#"["mfa"]"#, r#"["mfa","compliantDevice"]"#, r#"["compliantDevice"]"#, r#"["block"]"#]),
    ("clients", &[r#"["all"]"#, r#"["browser","mobileAppsAndDesktopClients"]"#, r#"["exchangeActiveSync","other"]"#]),
    ("risk", &["[]", r#"["high"]"#, r#"["high","medium"]"#]),
    ("hours", &["4", "8", "12", "24"]),
];

const CONFIGURATION: &[PolicySetting] = &[
    ("PasswordMinimumLength", &["8", "10", "12", "14"]),
    ("PasswordRequired", &["True", "False"]),
    ("PasswordMinutesOfInactivityBeforeScreenTimeout", &["5", "10", "15"]),
    ("StorageRequireMobileDeviceEncryption", &["True", "False"]),
    ("CameraBlocked", &["False", "True"]),
    ("DefenderCloudBlockLevel", &["High", "HighPlus", "NotConfigured"]),
    ("UsbBlocked", &["False", "True"]),
    ("SmartScreenBlockPromptOverride", &["True", "False"]),
    ("EdgeHomepageUrls", &["https://intranet.contoso.com", "https://start.contoso.com"]),
    ("BluetoothBlocked", &["False", "True"]),
];

const COMPLIANCE: &[PolicySetting] = &[
    ("OsMinimumVersion", &["10.0.22631", "10.0.26100.2894", "10.0.26100.4652"]),
    ("BitLockerEnabled", &["True", "False"]),
    ("SecureBootEnabled", &["True", "False"]),
    ("DeviceThreatProtectionRequiredSecurityLevel", &["Low", "Medium", "Secured"]),
    ("GracePeriodHours", &["0", "24", "72"]),
];

const WIFI: &[PolicySetting] = &[
    ("PreSharedKey", &["<previous key>", "plum-ferry-38-lantern", "cobalt-otter-71-meadow", "amber-swift-09-canal"]),
    ("ConnectAutomatically", &["True", "False"]),
];

const SCRIPT: &[PolicySetting] = &[
    (
        "ScriptContent",
        &[
            "R2V0LVNlcnZpY2UgU3Bvb2xlciB8IFN0b3AtU2VydmljZQ==",
            "U2V0LVNlcnZpY2UgU3Bvb2xlciAtU3RhcnR1cFR5cGUgRGlzYWJsZWQ=",
            "UmVtb3ZlLUl0ZW0gQzpcVGVtcFwqIC1SZWN1cnNl",
        ],
    ),
    ("RunAsAccount", &["System", "User"]),
    ("EnforceSignatureCheck", &["False", "True"]),
];

const CLOUD_PC: &[PolicySetting] = &[
    ("ImageDisplayName", &["Windows 11 Enterprise 23H2", "Windows 11 Enterprise 24H2", "Windows 11 Enterprise 25H2"]),
    ("EnableSingleSignOn", &["False", "True"]),
    ("LocalAdminEnabled", &["False", "True"]),
];

/// The kinds of policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PolicyKind {
    ConditionalAccess,
    Configuration,
    Compliance,
    Wifi,
    Script,
    CloudPc,
}

impl PolicyKind {
    /// Returns the type name in the service.
    pub(super) fn wire_name(self) -> &'static str {
        match self {
            Self::ConditionalAccess => "Policy",
            Self::Configuration => "DeviceConfiguration",
            Self::Compliance => "DeviceCompliancePolicy",
            Self::Wifi => "WindowsWifiConfiguration",
            Self::Script => "DeviceManagementScript",
            Self::CloudPc => "CloudPcProvisioningPolicy",
        }
    }

    fn settings(self) -> &'static [PolicySetting] {
        match self {
            Self::ConditionalAccess => CONDITIONAL_ACCESS,
            Self::Configuration => CONFIGURATION,
            Self::Compliance => COMPLIANCE,
            Self::Wifi => WIFI,
            Self::Script => SCRIPT,
            Self::CloudPc => CLOUD_PC,
        }
    }
}

const POLICIES: &[(PolicyKind, &[&str])] = &[
    (
        PolicyKind::ConditionalAccess,
        &[
            "CA001 - Require MFA for administrators",
            "CA002 - Require MFA for all users",
            "CA003 - Block legacy authentication",
            "CA004 - Require compliant device for Office 365",
            "CA005 - Block high sign-in risk",
            "CA006 - Guests need MFA and terms of use",
            "CA007 - Block access outside Europe",
            "CA008 - Payroll only from compliant devices",
            "CA009 - Sign-in frequency for browsers",
        ],
    ),
    (
        PolicyKind::Configuration,
        &[
            "Windows - Device restrictions",
            "Windows - Endpoint protection",
            "Windows - BitLocker",
            "Windows - Edge baseline",
            "Windows - Kiosk München",
            "macOS - Device restrictions",
            "macOS - FileVault",
            "iOS - Device restrictions",
            "iOS - Corporate e-mail",
            "Android - Work profile",
        ],
    ),
    (
        PolicyKind::Compliance,
        &["Compliance - Windows", "Compliance - macOS", "Compliance - iOS", "Compliance - Android"],
    ),
    (PolicyKind::Wifi, &["Wi-Fi - Contoso Corporate", "Wi-Fi - Contoso Warehouse"]),
    (PolicyKind::Script, &["Disable print spooler", "Clean temporary files", "Map network drives"]),
    (PolicyKind::CloudPc, &["Cloud PC - Engineering", "Cloud PC - Contractors"]),
];

/// A policy with its settings.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) kind: PolicyKind,
    /// The number of renames.
    revision: u32,
    /// For each setting, the index of its value.
    values: Vec<usize>,
    excluded_groups: Vec<String>,
}

/// Returns the initial policies.
pub(super) fn all(rng: &mut Rng) -> Vec<Policy> {
    let mut policies = Vec::new();
    for (kind, names) in POLICIES {
        for name in *names {
            policies.push(Policy {
                id: guid(rng),
                name: (*name).to_owned(),
                kind: *kind,
                revision: 1,
                values: kind.settings().iter().map(|_| 0).collect(),
                excluded_groups: vec![guid(rng)],
            });
        }
    }
    policies
}

impl Policy {
    pub(super) fn target(&self) -> Target {
        named(self.kind.wire_name(), &self.id, &self.name)
    }

    /// Renames the policy: `X`, `X v2`, `X v3`, ...
    pub(super) fn rename(&mut self) {
        let stem = self.name.rsplit_once(" v").map_or(self.name.as_str(), |(stem, _)| stem).to_owned();
        self.revision += 1;
        self.name = format!("{stem} v{}", self.revision);
    }

    /// Changes a random setting. Returns its name, the old and the new value.
    pub(super) fn change_setting(&mut self, rng: &mut Rng) -> (&'static str, &'static str, &'static str) {
        let settings = self.kind.settings();
        let index = rng.usize(..settings.len());
        self.change_setting_at(index, rng)
    }

    /// Changes the first setting, which is the sensitive one of Wi-Fi profiles and scripts. Returns its name, the old and
    /// the new value.
    pub(super) fn change_first_setting(&mut self, rng: &mut Rng) -> (&'static str, &'static str, &'static str) {
        self.change_setting_at(0, rng)
    }

    fn change_setting_at(&mut self, index: usize, rng: &mut Rng) -> (&'static str, &'static str, &'static str) {
        let (name, values) = self.kind.settings()[index];
        let before = self.values[index];
        let after = (before + rng.usize(1..values.len())) % values.len();
        self.values[index] = after;
        (name, values[before], values[after])
    }

    /// Adds an excluded group, or removes the first one.
    pub(super) fn toggle_exclusion(&mut self, group: &str) {
        if self.excluded_groups.len() > 2 {
            self.excluded_groups.remove(0);
        } else {
            self.excluded_groups.push(group.to_owned());
        }
    }

    /// Returns a Conditional Access policy as JSON.
    pub(super) fn document(&self) -> String {
        let value = |index: usize| CONDITIONAL_ACCESS[index].1[self.values[index]];
        let mut excluded = String::new();
        for (i, group) in self.excluded_groups.iter().enumerate() {
            // Writing to a `String` cannot fail.
            let _ = write!(excluded, "{}\"{group}\"", if i > 0 { "," } else { "" });
        }
        format!(
            concat!(
                r#"{{"id":"{}","displayName":"{}","state":"{}","conditions":{{"#,
                r#""applications":{{"includeApplications":["All"],"excludeApplications":[]}},"#,
                r#""users":{{"includeUsers":["All"],"excludeUsers":[],"includeGroups":[],"excludeGroups":[{}]}},"#,
                r#""userRiskLevels":[],"signInRiskLevels":{},"clientAppTypes":{}}},"#,
                r#""grantControls":{{"operator":"OR","builtInControls":{},"termsOfUse":[]}},"#,
                r#""sessionControls":{{"signInFrequency":{{"value":{},"type":"hours","isEnabled":true}}}}}}"#
            ),
            self.id,
            self.name,
            value(0),
            excluded,
            value(3),
            value(2),
            value(1),
            value(4)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Json;

    #[test]
    fn changed_setting_keeps_its_value() {
        let mut rng = Rng::with_seed(1);
        for mut policy in all(&mut rng) {
            let (_, before, after) = policy.change_first_setting(&mut rng);
            assert_ne!(before, after);
            assert_eq!(policy.change_first_setting(&mut rng).1, after);
        }
    }

    #[test]
    fn document_is_json_and_rename_keeps_the_id() {
        let mut policy = all(&mut Rng::with_seed(1)).swap_remove(0);
        let before = Json::parse(&policy.document()).unwrap();
        policy.rename();
        policy.rename();
        assert!(policy.name.ends_with("administrators v3"));
        let after = Json::parse(&policy.document()).unwrap();
        assert_eq!(before.node().get("id"), after.node().get("id"));
        assert_ne!(before, after);
    }
}

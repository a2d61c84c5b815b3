//! Tests of the rules with names of activities of many systems.

use super::*;
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_string_is_classified(verb in any::<String>(), activity in "[A-Za-z_. (\\PC]{0,24}") {
        operation_type(Some(&verb), &activity);
    }

    /// The name decides, so the routes that give no verb and those that give any verb agree.
    #[test]
    fn verb_does_not_change_what_the_name_states(verb in "Add|Create|Update|Delete|Assign|Read|Other|Get|Action|\\PC{0,9}") {
        for (expected, names) in NAMES {
            for name in names.iter().filter(|_| *expected != Other) {
                prop_assert_eq!(operation_type(Some(&verb), name), *expected, "{}", name);
            }
        }
    }
}

/// Names of activities by their operation type.
#[rustfmt::skip]
const NAMES: &[(OperationType, &[&str])] = &[
    // Entra
    (Assign, &[
        "Add member to group.", "Remove member from group", "Add member to role", "Add eligible member to role",
        "Add member to role requested (PIM activation)", "Remove member from role (PIM activation expired)",
        "Add member to role in PIM completed (permanent)", "Add owner to application.", "Remove owner from group.",
        "Add app role assignment grant to user.", "Add app role assignment to service principal", "Group_AddMember",
        "Add delegated permission grant.", "Remove delegated permission grant", "Consent to application.",
        "Remove OAuth2PermissionGrant", "Restore member", "Add policy to service principal",
    ]),
    (Create, &[
        "Add user.", "Add application", "Add service principal credentials.", "Add unverified domain", "Invite external user",
        "Create access package assignment policy", "Authentication Strength Policy Create", "POST Tenant.CreateBlockedUser",
        "Register device", "User registered security info", "Admin registered security info", "Role definition created",
        "Add permission grant policy",
    ]),
    (Update, &[
        "Update user.", "Reset user password.", "Change user password.", "Set Company Information.", "Enable account",
        "Disable Strong Authentication.", "Update application \u{2013} Certificates and secrets management ",
        "Update StsRefreshTokenValidFrom Timestamp.", "Restore user", "User changed default security info",
    ]),
    (Delete, &[
        "Delete user.", "Hard Delete application.", "Remove service principal.", "Delete group", "User deleted security info", "Admin deleted security info",
        "Remove unverified domain", "Unregister device", "Revoke sign-in sessions",
    ]),
    (Read, &[
        "Get Guest Usages resource", "Group_GetExpiryNotificationDate", "Recover device local administrator password",
        "Read BitLocker key", "Get MobileAppAssignment", "Bulk download users", "Search CloudCertificationAuthority",
    ]),
    // Intune
    (Assign, &[
        "Create DeviceManagementConfigurationPolicyAssignment", "Delete MobileAppAssignment",
        "assignDeviceManagementScript DeviceManagementScript", "AssignToGroups CloudPcProvisioningPolicy",
        "SetReference ManagedDevice", "RemoveReference ManagedDevice",
    ]),
    (RemoteTask, &[
        "syncDevice ManagedDevice", "wipe ManagedDevice", "Rename device ManagedDevice", "recoverPasscode ManagedDevice",
        "deleteUserFromSharedAppleDevice ManagedDevice",
    ]),
    (Create, &["createDeviceShellScript DeviceShellScript", "Create MobileApp"]),
    (Update, &["Patch DeviceConfiguration", "patchDeviceCustomAttributeShellScript DeviceCustomAttributeShellScript"]),
    (Delete, &["Delete ManagedDevice", "Delete DeviceManagementConfigurationPolicy"]),
    // Exchange
    (Create, &[
        "New-InboxRule", "New-TransportRule", "New-Mailbox", "New-JournalRule", "New-ComplianceSearch", "Add-MailboxPermission",
        "Add-RecipientPermission", "AddFolderPermissions", "Create", "Copy", "New-DistributionGroup", "Import-TransportRuleCollection",
        "NewComplianceTag", "NewRetentionCompliancePolicy",
    ]),
    (Assign, &[
        "Add-RoleGroupMember", "Remove-RoleGroupMember", "Add-DistributionGroupMember", "New-ManagementRoleAssignment",
        "Remove-ManagementRoleAssignment",
    ]),
    (Update, &[
        "Set-Mailbox", "Set-InboxRule", "Enable-InboxRule", "Disable-TransportRule", "UpdateInboxRules", "Update", "Move",
        "UpdateFolderPermissions", "UpdateCalendarDelegation", "Set-AdminAuditLogConfig", "Release-QuarantineMessage",
        "Restore-Mailbox", "Move-ActiveMailboxDatabase",
    ]),
    (Delete, &[
        "Remove-MailboxPermission", "Remove-InboxRule", "SoftDelete", "HardDelete", "MoveToDeletedItems", "RemoveFolderPermissions",
        "Clear-MobileDevice", "Uninstall-TransportAgent",
    ]),
    (Read, &["MailItemsAccessed", "Get-Mailbox", "Search-UnifiedAuditLog", "Export-MailboxDiagnosticLogs", "Preview-QuarantineMessage"]),
    (Other, &["Send", "SendAs", "SendOnBehalf", "MailboxLogin", "Start-ComplianceArchive", "Approve-ElevatedAccessRequest"]),
    // eDiscovery and audit searches
    (Create, &["SearchCreated", "HoldCreated", "CaseAdded", "SearchPermissionCreated", "AuditSearchCreated"]),
    (Update, &["SearchUpdated", "HoldUpdated", "CaseUpdated", "SearchPermissionUpdated"]),
    (Delete, &[
        "SearchRemoved", "SearchResultsPurged", "SearchPermissionRemoved", "HoldRemoved", "CaseRemoved", "RemovedSearchExported",
        "RemovedSearchResultsSentToZoom",
    ]),
    (Read, &[
        "SearchStarted", "SearchStopped", "SearchReport", "SearchViewed", "SearchPreviewed", "SearchExported", "ViewedSearchExported",
        "SearchExportDownloaded", "SearchQueryPerformed", "SearchQueryInitiatedExchange", "AuditSearchCompleted", "CaseViewed",
        "PreviewItemDownloaded",
    ]),
    (Assign, &["CaseMemberAdded", "CaseMemberRemoved", "CaseAdminAdded"]),
    // SharePoint and OneDrive
    (Create, &[
        "FileUploaded", "FileCopied", "FolderCreated", "SharedLinkCreated", "AnonymousLinkCreated", "SharingInvitationCreated",
        "SiteCollectionCreated", "ListItemCreated", "ListCreated", "GroupAdded", "FileSyncUploadedFull", "PermissionLevelAdded",
    ]),
    (Read, &[
        "FileAccessed", "FileAccessedExtended", "FileDownloaded", "FilePreviewed", "FileFetched", "PageViewed", "PageViewedExtended",
        "PagePrefetched", "ClientViewSignaled", "ListViewed", "ListItemViewed", "FileSyncDownloadedFull", "SecureLinkUsed",
    ]),
    (Update, &[
        "FileModified", "FileModifiedExtended", "FileRenamed", "FileMoved", "FileRestored", "FileCheckedOut", "FileCheckedIn",
        "FolderModified", "SharingSet", "SiteRenamed", "GroupUpdated", "WebMembersCanShareModified", "AllowGroupCreationSet",
        "SharingPolicyChanged", "ListItemUpdated", "SharedLinkDisabled", "NewsFeedEnabledSet", "LockRecord",
    ]),
    (Delete, &[
        "FileDeleted", "FileRecycled", "FileDeletedFirstStageRecycleBin", "FolderRecycled", "SharingRevoked", "SiteDeleted",
        "FileVersionsAllMinorsRecycled", "GroupRemoved", "RecordDelete", "AnonymousLinkRemoved", "ListItemRecycled",
    ]),
    (Assign, &[
        "AddedToGroup", "RemovedFromGroup", "UserAddedToGroup", "UserRemovedFromGroup", "AddedToSecureLink", "RemovedFromSecureLink",
        "SiteCollectionAdminAdded", "SiteCollectionAdminRemoved", "GeoAdminDeleted",
    ]),
    (Other, &["SiteAdminChangeRequest", "AccessInvitationAccepted", "FileMalwareDetected", "ManagedSyncClientAllowed"]),
    // Teams
    (Create, &["TeamCreated", "ChannelAdded", "ChatCreated", "TabAdded", "AppInstalled", "MessageCreatedHasLink"]),
    (Update, &["TeamSettingChanged", "ChannelSettingChanged", "MessageUpdated", "MemberRoleChanged", "AppUpgraded"]),
    (Delete, &["TeamDeleted", "ChannelDeleted", "MessageDeleted", "TabRemoved", "AppUninstalled", "ConnectorRemoved"]),
    (Read, &["MessagesListed", "MessageRead", "ChatRetrieved", "MessagesExported"]),
    (Assign, &["MemberAdded", "MemberRemoved"]),
    (Other, &["TeamsSessionStarted", "MeetingDetail", "ReactedToMessage"]),
    // Planner, Forms, Power BI, Stream, quarantine, Viva Engage
    (Read, &["PlanRead", "PlanListRead", "TaskRead", "ViewForm", "ListForms", "ExportForm", "ViewReport", "GetWorkspaces"]),
    (Create, &["PlanCreated", "PlanCopied", "CreateForm", "CreateArtifact", "StreamCreateVideo", "GroupCreation", "UploadedOrgData"]),
    (Update, &["PlanModified", "TaskModified", "EditForm", "MoveForm", "EditReport", "StreamEditVideo", "FileUpdateDescription"]),
    (Update, &["SoftDeleteSettingsUpdated", "NetworkUserSuspended", "UserSuspension", "UpdatedPrivacySetting", "QuarantineRelease"]),
    (Delete, &["PlanDeleted", "DeleteForm", "DeleteDataset", "StreamDeleteVideo", "GroupDeletion", "QuarantineDelete", "DeletedResult"]),
    (Read, &["QuarantinePreview", "QuarantineViewHeader", "DataExport", "FileVisited", "ExecutedQuery", "AccessedOdataLink"]),
    (Assign, &["RosterMemberAdded", "RosterMemberDeleted", "TaskAssigned", "FileShared", "ShareReport"]),
    // Other platforms
    (Create, &["CreateUser", "CREATE_USER", "user.lifecycle.create", "create pods"]),
    (Delete, &["DeleteBucket", "v1.compute.instances.delete", "MICROSOFT.COMPUTE/VIRTUALMACHINES/DELETE", "delete secrets"]),
    (Update, &["PutObject", "Write StorageAccounts", "MICROSOFT.STORAGE/STORAGEACCOUNTS/WRITE", "patch deployments"]),
    (Read, &["ListBuckets", "DescribeInstances", "storage.objects.get"]),
    (Assign, &["org.add_member", "AttachRolePolicy"]),
    (Other, &["AssumeRole", "user.session.start", "Execution", "User started password reset", "Cancel request for role update", ""]),
    (Other, &["Directory scheduled for deletion (Lifecycle)", "Clear block on user"]),
];

#[test]
fn names_of_activities_state_their_operation() {
    let wrong: Vec<String> = NAMES
        .iter()
        .flat_map(|(expected, names)| names.iter().map(move |name| (*expected, *name, operation_type(None, name))))
        .filter(|(expected, _, found)| expected != found)
        .map(|(expected, name, found)| format!("{name}: {found:?}, not {expected:?}"))
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn verb_of_the_source_decides_only_if_the_name_states_nothing() {
    for (verb, activity, expected) in [
        ("Update", "Add service principal credentials", Create),
        ("Create", "Create MobileAppAssignment", Assign),
        ("Other", "Delete user", Delete),
        ("Read", "SearchResultsPurged", Delete),
        ("Delete", "Execution", Delete),
        ("RemoveActivatedRole", "Deactivated", Delete),
        ("SetReference", "Execution", Assign),
        ("Additional", "Execution", Other),
        ("Other", "Execution", Other),
        ("", "Execution", Other),
    ] {
        assert_eq!(operation_type(Some(verb), activity), expected, "{verb}: {activity}");
    }
}

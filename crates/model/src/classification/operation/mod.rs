//! The operation type of an activity.

use super::super::OperationType;
use super::super::fold::{fold, fold_activity};
use super::words;

use OperationType::{Assign, Create, Delete, Other, Read, RemoteTask, Update};

/// The operation type of an activity: by its name, else by the verb of the source (`Add`, `Patch`, `SetReference`, ...).
pub fn operation_type(verb: Option<&str>, activity: &str) -> OperationType {
    let name = ActivityName::of(activity);
    NAME_RULES.iter().find_map(|rule| rule(&name)).or_else(|| verb.and_then(by_source_verb)).unwrap_or(Other)
}

/// The type of the source's verb, or of the verb's first word: `RemoveActivatedRole`. `None` if it is not known.
fn by_source_verb(verb: &str) -> Option<OperationType> {
    let known = |verb: &str| lookup(VERBS, verb).filter(|kind| *kind != Other);
    known(&fold(verb)).or_else(|| words(verb).first().and_then(|word| known(word)))
}

/// The name of an activity, split into words.
struct ActivityName<'a> {
    /// The name as written.
    activity: &'a str,
    /// The words, without those in parentheses.
    words: Vec<String>,
    /// The first word as written, folded.
    first_word: String,
    /// The index in `words` of the verb at the start of the name, or 0 if there is none.
    verb_index: usize,
}

impl<'a> ActivityName<'a> {
    fn of(activity: &'a str) -> Self {
        let plain = activity.split_once('(').map_or(activity, |(before, _)| before);
        let words = words(if plain.trim().is_empty() { activity } else { plain });
        let first_word = activity.split_whitespace().next().map(fold).unwrap_or_default();
        let verb_index = verb_index(plain, &words);
        Self { activity, words, first_word, verb_index }
    }

    /// The name's words from its verb on.
    fn verb_onwards(&self) -> &[String] {
        self.words.get(self.verb_index..).unwrap_or_default()
    }

    /// The operation type of the verb at the start of the name.
    fn by_first_verb(&self) -> Option<OperationType> {
        let in_identifier = || self.verb_onwards().first().filter(|_| self.is_one_token());
        lookup(VERBS, &self.first_word)
            .or_else(|| self.verb_onwards().first().and_then(|word| lookup(VERBS, word)))
            .or_else(|| lookup(VERBS_OF_IDENTIFIERS, in_identifier()?))
    }

    /// Whether the name is one identifier, such as `New-InboxRule` or `NewComplianceTag`.
    fn is_one_token(&self) -> bool {
        !self.activity.trim().contains(char::is_whitespace)
    }

    /// Whether the activity acts on a managed device by an operation that Intune does not offer on every resource.
    fn is_device_task(&self) -> bool {
        const MANAGED_DEVICE: &str = "ManagedDevice";
        let ends_with_device = |word: &str| {
            let tail = word.len().checked_sub(MANAGED_DEVICE.len()).map(|start| &word.as_bytes()[start..]);
            tail.is_some_and(|tail| tail.eq_ignore_ascii_case(MANAGED_DEVICE.as_bytes()))
        };
        self.activity.split_whitespace().skip(1).any(ends_with_device) && !PLAIN.contains(&self.first_word.as_str())
    }

    /// Whether a word and the next one are these.
    fn has_pair(&self, first: &str, second: &str) -> bool {
        self.words.windows(2).any(|pair| pair[0] == first && pair[1] == second)
    }

    /// The operation type of the participle at an index: `added` before `to` and `removed` before `from` assign if a
    /// member precedes or nothing does (`UserAddedToGroup`, `AddedToGroup`), and so does any change of a member
    /// (`MemberAdded`).
    fn by_participle(&self, index: usize) -> Option<OperationType> {
        let kind = lookup(DONE, self.words.get(index)?)?;
        let before = index.checked_sub(1).map(|index| self.words[index].as_str());
        let after = self.words.get(index + 1).map(String::as_str);
        let moves = matches!(kind, Create | Delete);
        let over = matches!(after, Some("to" | "from")) && before.is_none_or(|word| MEMBERS.contains(&word));
        let member = after.is_none() && before.is_some_and(|word| ROLE_HOLDERS.contains(&word));
        Some(if moves && (over || member) { Assign } else { kind })
    }
}

/// Finds the verb at the start of a name, of `Noun_Verb`, or of the method in `Class.Method`, after words like `Bulk` and
/// `Hard`.
fn verb_index(name: &str, all: &[String]) -> usize {
    let skip = |from: usize| from + all[from..].iter().take_while(|word| BEFORE_VERB.contains(&word.as_str())).count();
    let after = |at: Option<usize>| at.map(|at| words(&name[..at]).len()).filter(|from| *from < all.len());
    let method = name.trim_end_matches(['.', ' ']).rfind('.');
    let starts = [Some(0), after(name.find('_')), after(method)];
    let is_verb = |index: &usize| all.get(*index).is_some_and(|word| lookup(VERBS, word).is_some());
    starts.into_iter().flatten().map(skip).find(is_verb).unwrap_or_else(|| skip(0))
}

/// The rules for names, in their order.
const NAME_RULES: &[fn(&ActivityName) -> Option<OperationType>] = &[
    // 1. Names that the other rules would read wrongly.
    |name| {
        let key = fold_activity(name.activity);
        EXCEPTIONS.iter().find(|(activity, _)| *activity == key).map(|(_, kind)| *kind)
    },
    // 2. A participle at the start (`RemovedSearchExported`), else at the end (`SearchResultsPurged`).
    |name| {
        let leads = name.words.first().is_some_and(|word| LEADING.contains(&word.as_str()));
        leads.then(|| name.by_participle(0)).flatten()
    },
    |name| name.by_participle(name.words.len().checked_sub(1)?).filter(|kind| *kind != Other),
    // 3. Running a search reads: `SearchStarted`, `SearchQueryPerformed`.
    |name| {
        let has = |words: &[&str]| name.words.iter().any(|word| words.contains(&word.as_str()));
        (has(&["search", "query"]) && has(RUN)).then_some(Read)
    },
    // 4. Reading, whatever is read: `Get ...Assignment` reads. A device task like `recoverPasscode` does not.
    |name| name.by_first_verb().filter(|kind| *kind == Read && !name.is_device_task()),
    // 5. `assignX Y`, and any activity on an `...Assignment`: creating, changing and deleting it assigns.
    |name| {
        let assigns = name.verb_onwards().first().is_some_and(|word| matches!(word.as_str(), "assign" | "unassign"));
        let assignment = name.words.last().is_some_and(|word| matches!(word.as_str(), "assignment" | "assignments"));
        (assigns || assignment).then_some(Assign)
    },
    // 6. An operation on a managed device is a task sent to it.
    |name| name.is_device_task().then_some(RemoteTask),
    // 7. Adding a member to a role or group or removing one, and granting a permission, assigns.
    |name| is_membership(name).then_some(Assign),
    // 8. The verb at the start of the name.
    |name| name.by_first_verb(),
    // 9. A participle anywhere in the name: `User deleted security info`.
    |name| (0..name.words.len()).find_map(|index| name.by_participle(index)),
    // 10. A verb or the noun of one at the end of the name (`PlanRead`, `GroupDeletion`), else a plain verb in the name
    //     (`StreamEditVideo`).
    |name| lookup(AT_END, name.words.last()?),
    |name| name.words.iter().find_map(|word| lookup(WITHIN, word)),
];

/// Verbs of names and of sources. Those that are `OTHER` are listed so that later words of the name are not considered;
/// from a source they are ignored.
const VERBS: &[(OperationType, &[&str])] = &[
    (
        Assign,
        &["assign", "unassign", "setreference", "removereference", "consent", "grant", "share", "attach", "detach"],
    ),
    (Create, &["create", "creates", "add", "adding", "generate", "invite", "register", "upload", "copy", "import"]),
    (Create, &["insert", "install", "clone"]),
    (Update, &["update", "updating", "patch", "put", "set", "unset", "change", "edit", "modify", "rename", "reset"]),
    (Update, &["convert", "demote", "disable", "enable", "promote", "renew", "restore", "rotate", "move", "replace"]),
    (Update, &["lock", "unlock", "archive", "unarchive", "publish", "unpublish", "release", "upgrade", "write"]),
    (Delete, &["delete", "deleting", "remove", "purge", "revoke", "unregister", "uninstall", "erase"]),
    (Read, &["get", "gets", "search", "read", "list", "download", "view", "retrieve", "recover", "export", "preview"]),
    (Read, &["describe", "fetch", "find", "open", "query"]),
    (Other, &["approve", "blocked", "cancel", "deny", "process", "redeem", "reject", "request"]),
];

/// Verbs of names that are one identifier, such as `New-InboxRule`; in sentences they may be adjectives or mean less.
const VERBS_OF_IDENTIFIERS: &[(OperationType, &[&str])] = &[(Create, &["new"]), (Delete, &["clear"])];

/// The operations that Intune has on every resource.
const PLAIN: &[&str] = &["create", "delete", "patch", "update", "setreference", "removereference", "get", "search"];

/// Participles in names.
const DONE: &[(OperationType, &[&str])] = &[
    (Other, &["started", "canceled", "requested", "scheduled"]),
    (Assign, &["applied", "assigned", "unassigned", "granted", "joined", "unjoined", "shared"]),
    (Create, &["created", "added", "registered", "copied", "generated", "imported", "installed", "uploaded"]),
    (Update, &["updated", "changed", "modified", "edited", "renamed", "moved", "replaced", "restored", "upgraded"]),
    (Update, &["enabled", "disabled", "toggled", "suspended", "locked", "unlocked", "archived", "unarchived"]),
    (Update, &["checked", "discarded", "published", "promoted", "demoted", "converted", "released", "broken"]),
    (Delete, &["deleted", "removed", "purged", "erased", "recycled", "revoked", "unregistered", "uninstalled"]),
    (Read, &["accessed", "downloaded", "exported", "fetched", "listed", "opened", "prefetched", "previewed"]),
    (Read, &["read", "rendered", "retrieved", "searched", "signaled", "used", "viewed", "visited"]),
];

/// Participles that decide at the start of a name, whatever follows. Others, like `shared`, may describe an object.
const LEADING: &[&str] =
    &["accessed", "added", "changed", "created", "deleted", "downloaded", "removed", "updated", "uploaded", "viewed"];

/// Words that mean that a search ran.
const RUN: &[&str] =
    &["started", "stopped", "performed", "initiated", "executed", "completed", "finished", "run", "ran"];

/// Verbs and nouns that decide at the end of a name.
const AT_END: &[(OperationType, &[&str])] = &[
    (Assign, &["share"]),
    (Create, &["add", "create", "creation", "insert", "upload"]),
    (Update, &["edit", "modification", "release", "reset", "set", "suspension", "update", "write"]),
    (Delete, &["delete", "deletion", "remove", "removal"]),
    (Read, &["download", "export", "preview", "read", "search", "view"]),
    (Other, &["request"]),
];

/// Verbs that decide within a name.
const WITHIN: &[(OperationType, &[&str])] = &[
    (Create, &["create", "upload"]),
    (Update, &["edit", "modify", "release", "update"]),
    (Delete, &["delete", "remove"]),
    (Read, &["download", "export", "view"]),
];

/// Words that may precede the verb of a name.
const BEFORE_VERB: &[&str] = &["admin", "bulk", "hard", "pre", "schedule", "soft"];

/// Nouns of objects that are added to others and removed from them.
const MEMBERS: &[&str] =
    &["connector", "group", "label", "member", "members", "owner", "owners", "policy", "sponsor", "user", "users"];

/// Nouns of those who hold a role in another object: to add one is to assign the role.
const ROLE_HOLDERS: &[&str] = &["admin", "administrator", "member", "members", "owner", "owners", "sponsor"];

/// Names that the other rules would read wrongly, as keys of activities.
const EXCEPTIONS: &[(&str, OperationType)] = &[
    ("features_isfeatureenabledasync", Read),
    ("bulk import group members - finished (bulk)", Assign),
    ("bulk remove group members - finished (bulk)", Assign),
    ("grouplifecyclepolicies_addgroup", Assign),
    ("grouplifecyclepolicies_removegroup", Assign),
    ("groupsodatav4_getgrouplifecyclepolicies", Read),
    ("movetodeleteditems", Delete),
    ("post soundfile.post", Create),
    ("post userauthmethod.softwareoathproofupregistration", Create),
    ("user has elevated their access to user access administrator for their azure resources", Assign),
];

/// Whether a name means that a role is assigned, that a member is added or removed, or that a permission is granted.
fn is_membership(name: &ActivityName) -> bool {
    if name.has_pair("role", "assignment") {
        return true;
    }
    let words = name.verb_onwards();
    let moves = words.first().is_some_and(|word| matches!(word.as_str(), "add" | "remove" | "restore"));
    let pairs = || name.words.windows(2).map(|pair| (pair[0].as_str(), pair[1].as_str()));
    let over = pairs().any(|(member, side)| MEMBERS.contains(&member) && matches!(side, "to" | "from"));
    let ends = matches!(words.last().map(String::as_str), Some("member" | "owner" | "sponsor"));
    let grants = words.ends_with(&["permission".to_owned(), "grant".to_owned()])
        || words.last().is_some_and(|word| word == "permissiongrant");
    moves && (over || grants || (ends && words.len() > 1))
}

fn lookup(table: &[(OperationType, &[&str])], word: &str) -> Option<OperationType> {
    table.iter().find(|(_, verbs)| verbs.contains(&word)).map(|(kind, _)| *kind)
}

#[cfg(test)]
mod tests;

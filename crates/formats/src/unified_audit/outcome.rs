//! The outcome of a unified audit record. What `ResultStatus` means depends on the workload.

use super::super::source_record::{JsonCursor, is_absent};
use super::super::value::{detail, status};
use model::{Detail, Status};

/// Error numbers of the directory's token service with which a sign-in waits for the user: to choose an account, to stay
/// signed in, to consent, to register or to use a second factor. Nothing has failed.
///
/// They are those that Microsoft's sign-in workbook shows as interrupts, and those that the reference of error codes calls
/// a required action.
const INTERRUPTS: &[&str] = &[
    "16000", "16001", "16003", "50055", "50058", "50059", "50072", "50074", "50076", "50079", "50097", "50125",
    "50127", "50129", "50140", "50143", "50144", "50199", "51006", "52004", "65001", "81010", "81012", "81014",
];

/// Returns the status: by `ResultStatus`, unless the operation, the error of the sign-in or the detail of the status is that
/// of a failure. The number of an error alone has no meaning.
pub(super) fn outcome(record: &JsonCursor, operation: &str, details: &[Detail]) -> Status {
    let word = record.str_at("ResultStatus");
    let stated = word.as_deref().map_or(Status::Unknown, |word| result_status(record, word));
    let operation = operation.trim().trim_end_matches('.').to_ascii_lowercase();
    let is_failed_operation = operation.ends_with("failed") || operation.ends_with("failure");
    let error = record.str_at("LogonError").filter(|error| !is_none(error));
    if is_interrupt(record, error.as_deref()) {
        // The sign-in has neither failed nor succeeded, unless the record states the success.
        return if is_failed_operation || stated != Status::Success { Status::Unknown } else { stated };
    }
    let states_error = detail(details, "ResultStatusDetail").is_some_and(|detail| is_error(&detail));
    let failed = is_failed_operation || error.is_some() || states_error;
    if failed && matches!(stated, Status::Success | Status::Unknown) { Status::Failure } else { stated }
}

/// Maps `ResultStatus`. In Planner it is the number of an enumeration of its own.
fn result_status(record: &JsonCursor, word: &str) -> Status {
    let is_planner = record.str_at("Workload").is_some_and(|workload| workload.eq_ignore_ascii_case("Planner"));
    match word.trim() {
        "1" if is_planner => Status::Success,
        "2" | "3" if is_planner => Status::Failure,
        "0" if is_planner => Status::Unknown,
        word => status(word),
    }
}

/// Whether a detail of the status names an error, such as `UserError`. `Redirect` does not.
fn is_error(detail: &str) -> bool {
    let detail = detail.trim().to_ascii_lowercase();
    detail.ends_with("error") || matches!(detail.as_str(), "failure" | "failed")
}

fn is_interrupt(record: &JsonCursor, error: Option<&str>) -> bool {
    let is_listed = |key: &str| record.str_at(key).is_some_and(|number| INTERRUPTS.contains(&number.trim()));
    error.is_some_and(|error| error.to_ascii_lowercase().ends_with("interrupt"))
        || ["ErrorNumber", "ErrorCode"].into_iter().any(is_listed)
}

fn is_none(word: &str) -> bool {
    is_absent(word) || ["0", "none"].iter().any(|none| word.trim().eq_ignore_ascii_case(none))
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::body;
    use super::*;

    fn status_of(operation: &str, members: &str) -> Status {
        let more = if members.is_empty() { String::new() } else { format!(",{members}") };
        let text = format!(
            r#"{{"CreationTime":"2026-05-04T08:15:30","Id":"1","Operation":"{operation}","RecordType":15,
            "Workload":"AzureActiveDirectory","UserId":"bob@contoso.example"{more}}}"#
        );
        body(&text).status
    }

    #[test]
    fn interrupts_of_sign_ins_are_no_failures() {
        let kmsi = r#""ResultStatus":"Success","ErrorNumber":"50140","ExtendedProperties":[
            {"Name":"ResultStatusDetail","Value":"Success"}]"#;
        assert_eq!(status_of("UserLoggedIn", kmsi), Status::Success);
        for number in INTERRUPTS {
            let members = format!(r#""ResultStatus":"Success","ErrorNumber":{number}"#);
            assert_eq!(status_of("UserLoggedIn", &members), Status::Success, "{number}");
            let members = format!(r#""ResultStatus":"Failed","ErrorNumber":"{number}","LogonError":"Waiting""#);
            assert_eq!(status_of("UserLoginFailed", &members), Status::Unknown, "{number}");
        }
        let unlisted = r#""ResultStatus":"Success","ErrorNumber":"1","LogonError":"NewKindOfInterrupt""#;
        assert_eq!(status_of("UserLoggedIn", unlisted), Status::Success);
        assert_eq!(status_of("UserLoginFailed", unlisted), Status::Unknown);
    }

    #[test]
    fn operation_error_and_detail_decide_and_a_number_alone_does_not() {
        for (operation, members, expected) in [
            ("UserLoggedIn", r#""ResultStatus":"Success","ErrorNumber":"0","LogonError":"""#, Status::Success),
            ("UserLoggedIn", r#""ResultStatus":"Success","ErrorNumber":"50126""#, Status::Success),
            ("UserLoggedIn", r#""ErrorNumber":"50126""#, Status::Unknown),
            ("UserLoggedIn", r#""ResultStatus":"Success","LogonError":"InvalidUserNameOrPassword""#, Status::Failure),
            ("UserLoginFailed", r#""ResultStatus":"Success","ErrorNumber":"50126""#, Status::Failure),
            ("UserLoginFailed", r#""ResultStatus":"Success","ErrorNumber":"0""#, Status::Failure),
            ("UserLoginFailed", r#""ResultStatus":"Failed","ErrorNumber":"500121""#, Status::Failure),
            (
                "UserLoggedIn",
                r#""ResultStatus":"Success","ExtendedProperties":[{"Name":"ResultStatusDetail","Value":"UserError"}]"#,
                Status::Failure,
            ),
            (
                "UserLoggedIn",
                r#""ResultStatus":"Success","ExtendedProperties":[{"Name":"ResultStatusDetail","Value":"Redirect"}]"#,
                Status::Success,
            ),
            ("FileAccessFailure", "", Status::Failure),
            ("FileAccessed", "", Status::Unknown),
            ("Set-Mailbox", r#""ResultStatus":"True""#, Status::Success),
            ("Set-Mailbox", r#""ResultStatus":"False""#, Status::Failure),
            ("HardDelete", r#""ResultStatus":"PartiallySucceeded""#, Status::Success),
        ] {
            assert_eq!(status_of(operation, members), expected, "{operation} {members}");
        }
    }

    #[test]
    fn results_of_planner_are_numbers_of_their_own() {
        let planner = |result: &str| {
            let text = format!(
                r#"{{"CreationTime":"2026-05-04T08:15:30","Id":"1","Operation":"PlanRead","RecordType":188,
                "Workload":"Planner","UserId":"bob@contoso.example","ResultStatus":{result}}}"#
            );
            body(&text).status
        };
        let expected = [
            ("1", Status::Success),
            ("2", Status::Failure),
            ("3", Status::Failure),
            (r#""3""#, Status::Failure),
            (r#""Success""#, Status::Success),
            (r#""AuthorizationFailure""#, Status::Failure),
            ("0", Status::Unknown),
        ];
        for (result, status) in expected {
            assert_eq!(planner(result), status, "{result}");
        }
        assert_eq!(status_of("UserLoggedIn", r#""ResultStatus":"1""#), Status::Unknown, "only in Planner");
    }
}

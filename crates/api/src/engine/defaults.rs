//! Defaults of omitted variables.
//!
//! By the specification (sections 6.1.2 and 6.4.1) an omitted variable has its own default, and without one the argument
//! that it is used for has its default. The library applies neither in directives, and refuses the second if the
//! argument must not be null. So they are filled in before the other checks read the variables.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet, TypeKind, TypeSystemDefinition,
};
use async_graphql::{Name, Value, Variables};

/// Defaults of arguments by the names of field and argument; `None` if fields of the same name have different ones.
static ARGUMENTS: LazyLock<HashMap<(String, String), Option<Value>>> = LazyLock::new(|| {
    let mut defaults = HashMap::new();
    let definitions = async_graphql::parser::parse_schema(crate::sdl()).map(|schema| schema.definitions);
    for definition in definitions.into_iter().flatten() {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let TypeKind::Object(object) = definition.node.kind else { continue };
        for field in object.fields {
            for argument in field.node.arguments {
                let default = argument.node.default_value.map(|default| default.node);
                let names = (field.node.name.node.to_string(), argument.node.name.node.to_string());
                defaults
                    .entry(names)
                    .and_modify(|first| {
                        if *first != default {
                            *first = None;
                        }
                    })
                    .or_insert(default);
            }
        }
    }
    defaults
});

/// Inserts the defaults of omitted variables.
pub(super) fn fill(document: &ExecutableDocument, operation: &OperationDefinition, variables: &mut Variables) {
    let mut omitted = HashSet::new();
    for definition in &operation.variable_definitions {
        let (name, default) = (&definition.node.name.node, &definition.node.default_value);
        if variables.contains_key(name) {
            continue;
        }
        match default {
            Some(default) => drop(variables.insert(name.clone(), default.node.clone())),
            None => drop(omitted.insert(name.clone())),
        }
    }
    if omitted.is_empty() {
        return;
    }
    let mut uses = Uses { document, omitted, entered: HashSet::new(), found: HashMap::new() };
    uses.collect(&operation.selection_set.node);
    for (name, default) in uses.found {
        if let Some(default) = default {
            variables.insert(name, default);
        }
    }
}

/// Finds the uses of omitted variables.
struct Uses<'a> {
    document: &'a ExecutableDocument,
    omitted: HashSet<Name>,
    entered: HashSet<&'a str>,
    /// By variable: the default that all its uses have in common, or `None`.
    found: HashMap<Name, Option<Value>>,
}

impl<'a> Uses<'a> {
    fn collect(&mut self, set: &'a SelectionSet) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    self.field(&field.node);
                    self.collect(&field.node.selection_set.node);
                }
                Selection::InlineFragment(inline) => self.collect(&inline.node.selection_set.node),
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    if let Some(fragment) = self.document.fragments.get(name)
                        && self.entered.insert(name)
                    {
                        self.collect(&fragment.node.selection_set.node);
                    }
                }
            }
        }
    }

    fn field(&mut self, field: &Field) {
        for (argument, value) in &field.arguments {
            // Only a variable is printed with a leading `$`.
            let printed = value.node.to_string();
            let Some(name) = printed.strip_prefix('$') else { continue };
            if let Some(name) = self.omitted.get(name) {
                let names = (field.name.node.to_string(), argument.node.to_string());
                let default = ARGUMENTS.get(&names).cloned().flatten();
                let common = self.found.entry(name.clone()).or_insert_with(|| default.clone());
                if *common != default {
                    *common = None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::engine::check;

    fn filled(query: &str, variables: Json) -> Json {
        let document = parse_query(query).unwrap();
        let mut variables = Variables::from_json(variables);
        fill(&document, check::operation(&document, None).unwrap(), &mut variables);
        serde_json::to_value(&variables).unwrap()
    }

    #[test]
    fn own_default_precedes_and_given_value_stays() {
        let query = "query($a: Boolean! = true, $n: Int = 3, $m: Int) {
            auditEventFeed(first: $n) { safeUpTo @include(if: $a) } auditActors(first: $m, search: \"a\") { key }
        }";
        assert_eq!(filled(query, json!({})), json!({ "a": true, "n": 3, "m": 20 }));
        assert_eq!(filled(query, json!({ "a": false, "n": null, "m": 1 })), json!({ "a": false, "n": null, "m": 1 }));
    }

    #[test]
    fn argument_default_applies_if_all_uses_agree() {
        let query = "query($t: Int, $i: HistogramInterval) { ...A }
            fragment A on Query { auditEventSummary { histogram(interval: $i) { count } a: facet(field: STATUS, top: $t) { otherCount } } }";
        assert_eq!(filled(query, json!({})), json!({ "t": 10, "i": "DAY" }));
        let query = "query($n: Int) { auditEventFeed(first: $n) { safeUpTo } auditEvents(first: $n) { totalCount } }";
        assert_eq!(filled(query, json!({})), json!({}), "one has a default, the other has none");
    }

    #[test]
    fn fields_of_the_same_name_have_the_same_defaults() {
        let unsure: Vec<_> =
            ARGUMENTS.iter().filter(|(_, default)| default.is_none()).map(|(names, _)| names).collect();
        let with_default = crate::sdl();
        for (field, argument) in unsure {
            assert!(!with_default.contains(&format!("{field}({argument}: Int! =")), "{field}({argument})");
        }
        assert!(ARGUMENTS.values().flatten().count() > 5);
    }
}

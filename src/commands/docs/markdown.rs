//! Markdown pages and their tables.

/// The comment under the title of a generated page.
const NOTICE: &str =
    "<!-- Generated from the code: change the code and run `auditgraph docs --write docs/reference`. -->";

/// A page that is built from its title on.
pub(super) struct MarkdownPage(String);

impl MarkdownPage {
    /// Starts a page with its title and the notice that it is generated.
    pub(super) fn new(title: &str) -> Self {
        Self(format!("# {title}\n\n{NOTICE}\n"))
    }

    /// Adds a heading of the second level.
    pub(super) fn heading(&mut self, heading: &str) {
        self.block(&format!("## {heading}"));
    }

    /// Adds a heading of the third level.
    pub(super) fn subheading(&mut self, heading: &str) {
        self.block(&format!("### {heading}"));
    }

    /// Adds a paragraph, a list or a block of code.
    pub(super) fn block(&mut self, markdown: &str) {
        self.0.push('\n');
        self.0.push_str(markdown.trim_end());
        self.0.push('\n');
    }

    /// Adds a table. A column without any content is left out.
    pub(super) fn table<const N: usize>(&mut self, columns: [&str; N], rows: &[[String; N]]) {
        let shown: Vec<usize> = (0..N).filter(|column| rows.iter().any(|row| !row[*column].is_empty())).collect();
        let line = |cell: &dyn Fn(usize) -> String| {
            let cells: Vec<String> = shown.iter().map(|column| cell(*column)).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let mut table = line(&|column| columns[column].to_owned());
        table.push_str(&line(&|_column| "---".to_owned()));
        for row in rows {
            table.push_str(&line(&|column| row[column].replace('|', "\\|")));
        }
        self.block(&table);
    }

    /// Returns the finished page.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Formats a string as code.
pub(super) fn code(string: &str) -> String {
    format!("`{string}`")
}

/// Returns the anchor that forges give to a heading: lower case, without punctuation, with hyphens for spaces.
pub(super) fn anchor(heading: &str) -> String {
    let keeps = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading.to_lowercase().chars().filter(keeps).map(|c| if c == ' ' { '-' } else { c }).collect()
}

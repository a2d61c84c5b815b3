//! The names of people and objects. All are fictitious.

use fastrand::Rng;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The tenant's domain.
pub(super) const DOMAIN: &str = "contoso.com";

const GIVEN: &[&str] = &[
    "Adele",
    "Agnieszka",
    "Aisha",
    "Alex",
    "Amara",
    "Anders",
    "Andrea",
    "Anna",
    "Anneliese",
    "Arjun",
    "Astrid",
    "Beatriz",
    "Ben",
    "Björn",
    "Bruno",
    "Camille",
    "Carlos",
    "Caroline",
    "Chidi",
    "Clara",
    "Daniel",
    "Daria",
    "David",
    "Diego",
    "Elena",
    "Elif",
    "Emma",
    "Erik",
    "Esther",
    "Eva",
    "Farid",
    "Fatima",
    "Felix",
    "Finn",
    "Florian",
    "Françoise",
    "Freya",
    "Gabriel",
    "Giulia",
    "Grace",
    "Hana",
    "Hannah",
    "Henrik",
    "Hugo",
    "Ida",
    "Igor",
    "Ines",
    "Irina",
    "Isaac",
    "Jana",
    "Jasper",
    "Joana",
    "Johan",
    "José",
    "Julia",
    "Jürgen",
    "Karim",
    "Karolína",
    "Katrin",
    "Kofi",
    "Lara",
    "Laura",
    "Leila",
    "Leo",
    "Linnéa",
    "Lucía",
    "Łukasz",
    "Magda",
    "Maja",
    "Marco",
    "Maria",
    "Mateo",
    "Maya",
    "Mehmet",
    "Mia",
    "Milan",
    "Mina",
    "Nadia",
    "Naomi",
    "Nikhil",
    "Nina",
    "Noah",
    "Nora",
    "Oliver",
    "Olga",
    "Omar",
    "Oskar",
    "Paula",
    "Pavel",
    "Petra",
    "Priya",
    "Rafael",
    "Rosa",
    "Samira",
    "Sara",
    "Sebastian",
    "Simone",
    "Sofia",
    "Søren",
    "Stefan",
    "Tamar",
    "Teresa",
    "Tobias",
    "Tomáš",
    "Ulla",
    "Valeria",
    "Victor",
    "Vikram",
    "Wanda",
    "Yara",
    "Yusuf",
    "Zoë",
];

const FAMILY: &[&str] = &[
    "Abara",
    "Åkesson",
    "Albers",
    "Almeida",
    "Andersen",
    "Arslan",
    "Bakker",
    "Banerjee",
    "Bauer",
    "Becker",
    "Bergström",
    "Bianchi",
    "Blom",
    "Borges",
    "Brandt",
    "Castillo",
    "Cerny",
    "Chaudhry",
    "Clarke",
    "Costa",
    "Dahl",
    "Demir",
    "Dietrich",
    "Dubois",
    "Dvořák",
    "Eide",
    "Eriksen",
    "Esposito",
    "Falk",
    "Fernandes",
    "Fischer",
    "Fontaine",
    "Fuchs",
    "García",
    "Gruber",
    "Haas",
    "Haddad",
    "Hansen",
    "Hartmann",
    "Holm",
    "Horvat",
    "Ibáñez",
    "Ivanova",
    "Jansen",
    "Jensen",
    "Kaya",
    "Keller",
    "Khan",
    "Klein",
    "Kowalska",
    "Krüger",
    "Kumar",
    "Lambert",
    "Larsen",
    "Lehmann",
    "Lindqvist",
    "Lopes",
    "Lund",
    "Maier",
    "Martins",
    "Meyer",
    "Moreau",
    "Müller",
    "Muñoz",
    "Nagy",
    "Nielsen",
    "Novak",
    "Okafor",
    "Olsen",
    "Ortega",
    "Patel",
    "Pereira",
    "Petrova",
    "Pfeiffer",
    "Popescu",
    "Quist",
    "Rahman",
    "Ramos",
    "Richter",
    "Rossi",
    "Roth",
    "Ruiz",
    "Saito",
    "Santos",
    "Schäfer",
    "Schmid",
    "Schröder",
    "Silva",
    "Sørensen",
    "Steiner",
    "Svensson",
    "Szabó",
    "Thomsen",
    "Toth",
    "Varga",
    "Vega",
    "Vogel",
    "Wagner",
    "Weiß",
    "Winter",
    "Wójcik",
    "Yilmaz",
    "Zieliński",
    "Zimmermann",
];

/// Names in other scripts, with the local part of the principal name.
const OTHER_SCRIPTS: &[(&str, &str)] = &[
    ("山田 陽子", "yoko.yamada"),
    ("王 小梅", "xiaomei.wang"),
    ("김 서연", "seoyeon.kim"),
    ("Олена Гончар", "olena.honchar"),
    ("Δημήτρης Νικολάου", "dimitris.nikolaou"),
    ("ليلى حداد", "layla.haddad"),
    ("נועה לוי", "noa.levi"),
];

/// The departments.
pub(super) const DEPARTMENTS: &[&str] =
    &["Sales", "Finance", "Engineering", "Operations", "Human Resources", "Marketing", "Legal", "Support", "Research"];

/// Job titles.
pub(super) const TITLES: &[&str] = &[
    "Analyst",
    "Senior Analyst",
    "Engineer",
    "Senior Engineer",
    "Team Lead",
    "Specialist",
    "Consultant",
    "Manager",
    "Senior Manager",
    "Assistant",
    "Coordinator",
    "Director",
];

/// Offices.
pub(super) const OFFICES: &[&str] = &["Berlin", "Kraków", "Lisboa", "Malmö", "München", "Remote", "Zürich"];

/// User agents.
pub(super) const USER_AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Windows NT 10.0; Microsoft Windows 10.0.26100; en-US) PowerShell/7.5.2",
];

/// The initial groups, in addition to those of the departments.
pub(super) const GROUPS: &[&str] = &[
    "SEC-VPN-Users",
    "SEC-Admins-Workstations",
    "SEC-Breakglass",
    "SEC-MFA-Excluded",
    "SEC-Payroll-Approvers",
    "LIC-M365-E3",
    "LIC-M365-E5",
    "LIC-Visio",
    "LIC-Windows365",
    "APP-CRM-Users",
    "APP-Warehouse-Users",
    "APP-Travel-Users",
    "DEV-Windows-Pilot",
    "DEV-Windows-Broad",
    "DEV-macOS",
    "DEV-Kiosks",
    "DEV-iOS-Corporate",
    "INTUNE-Scope-Field-Staff",
];

/// Project names.
pub(super) const PROJECTS: &[&str] = &[
    "Aurora", "Borealis", "Cedar", "Delta", "Ember", "Falcon", "Granite", "Harbor", "Iris", "Juniper", "Kestrel",
    "Lumen", "Meridian", "Nimbus", "Orchard", "Piñata", "Quartz", "Sólheim", "Tundra", "Umbra", "Vela", "Willow",
];

/// The company's applications.
pub(super) const APPS: &[&str] = &[
    "Contoso Payroll",
    "Contoso CRM",
    "Contoso Expenses",
    "Contoso Warehouse",
    "Contoso Travel",
    "Contoso Wiki",
    "Contoso Ticketing",
    "Contoso Field Service",
    "Contoso Data Lake",
    "Contoso Build Agents",
    "Contoso Backup",
    "Contoso Visitor Desk",
    "Contoso Learning",
    "Contoso Signatures",
    "Contoso Fleet",
    "Contoso Store Locator",
    "Mail Merge Helper",
    "Calendar Sync Bot",
    "PDF Stamp",
    "Org Chart Viewer",
];

/// Applications on devices.
pub(super) const INSTALLED_APPS: &[&str] = &[
    "Contoso VPN Client 5.4",
    "Contoso Print Agent",
    "Contoso CRM for iOS",
    "Contoso Field Service for Android",
    "Company Portal",
    "Contoso Root Certificates",
    "Contoso Screensaver",
    "Contoso Time Clock",
];

/// Returns a random name and the local part of its principal name.
pub(super) fn person(rng: &mut Rng) -> (String, String) {
    if rng.u32(0..40) == 0 {
        let (name, address) = OTHER_SCRIPTS[rng.usize(..OTHER_SCRIPTS.len())];
        return (name.to_owned(), address.to_owned());
    }
    let (given, family) = (GIVEN[rng.usize(..GIVEN.len())], FAMILY[rng.usize(..FAMILY.len())]);
    full(given, family)
}

/// Returns the name with another family name, and the local part of its principal name.
pub(super) fn married(display_name: &str, rng: &mut Rng) -> (String, String) {
    let given = display_name.split(' ').next().filter(|given| GIVEN.contains(given)).unwrap_or("Robin");
    let others: Vec<&str> = FAMILY.iter().copied().filter(|family| !display_name.ends_with(family)).collect();
    full(given, others[rng.usize(..others.len())])
}

fn full(given: &str, family: &str) -> (String, String) {
    (format!("{given} {family}"), format!("{}.{}", ascii(given), ascii(family)))
}

/// Returns the spelling of a name in principal names.
fn ascii(name: &str) -> String {
    name.to_lowercase()
        .nfd()
        .filter(|c| !is_combining_mark(*c))
        .map(|c| match c {
            'ł' => 'l',
            'ø' => 'o',
            'ß' => 's',
            other => other,
        })
        .filter(char::is_ascii_alphanumeric)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_plain_letters() {
        for name in GIVEN.iter().chain(FAMILY) {
            let address = ascii(name);
            assert_eq!(address.chars().count(), name.chars().count(), "{name}");
        }
    }

    #[test]
    fn marriage_changes_the_name() {
        let mut rng = Rng::with_seed(3);
        let (name, address) = married("Zoë Müller", &mut rng);
        assert!(name.starts_with("Zoë ") && name != "Zoë Müller");
        assert!(address.starts_with("zoe."));
    }
}

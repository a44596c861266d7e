//! Deep trees of teams with unique names.

use std::sync::Arc;

use crate::switches::Ids;

use super::{
    dice::{Aspect, Dice},
    model::Team,
    spelling::spelled,
};

/// The teams of an organization and who is above whom.
pub(super) struct Teams {
    pub(super) list: Vec<Arc<Team>>,
    /// For each team, the teams above it, nearest first.
    above: Vec<Vec<u32>>,
}

const DEPARTMENTS: &[&str] = &[
    "Engineering",
    "Sales",
    "Research & Development",
    "Finance",
    "Support",
    "People \"Ops\"",
    "Qualität",
    "Инфраструктура",
    "データ基盤",
    "التسويق",
    "Équipe d'Été",
    "100%_Cloud",
];

const UNITS: &[&str] = &[
    "Platform",
    "Platform Core",
    "Mobile",
    "Web",
    "Data",
    "Data Science",
    "Security",
    "Field",
    "East",
    "West",
    "Emerging \\ New",
    "Labs",
    "Tooling",
    "Growth",
    "Payments",
    "Search",
    "Réseau",
    "Ядро",
];

const DESCRIPTIONS: &[&str] = &[
    "",
    "Owns the build.",
    "Cost centre 4711",
    "Line one\nLine two\n\tindented",
    "Ελλάδα & Κύπρος",
    "“Quoted” — with a dash",
    "C:\\teams\\shared",
    "🚀 ships on Fridays",
    "see https://wiki.meridian.example/teams?id=1&view=all",
];

/// The longest chain of teams above one team.
const DEEPEST: usize = 7;

impl Teams {
    pub(super) fn new(seed: u64, count: u32, plan_id: &str, ids: Ids) -> Self {
        let mut list: Vec<Arc<Team>> = Vec::with_capacity(count as usize);
        let mut above: Vec<Vec<u32>> = Vec::with_capacity(count as usize);
        let mut children: Vec<u32> = Vec::with_capacity(count as usize);
        for index in 0..count as usize {
            let mut dice = Dice::new(seed, Aspect::Team, index as u64);
            let (parent, name) = match DEPARTMENTS.get(index) {
                Some(department) => (None, (*department).to_owned()),
                None => {
                    let parent = parent_of(index, &mut dice, &above);
                    let place = children[parent] as usize;
                    children[parent] += 1;
                    (Some(parent), name_below(&list[parent].name, place, parent))
                }
            };
            let mut chain = Vec::new();
            if let Some(parent) = parent {
                chain.push(parent as u32);
                chain.extend_from_slice(&above[parent]);
            }
            let description = dice.chance(660).then(|| dice.pick(DESCRIPTIONS).to_owned());
            list.push(Arc::new(Team {
                id: spelled(ids, seed, Aspect::TeamId, index as u64),
                name,
                description,
                parent_team_id: parent.map(|parent| list[parent].id.clone()),
                plan_id: Some(plan_id.to_owned()),
            }));
            above.push(chain);
            children.push(0);
        }
        Self { list, above }
    }

    pub(super) fn above(&self, index: u32) -> &[u32] {
        self.above.get(index as usize).map_or(&[], Vec::as_slice)
    }
}

/// Two of five teams go below the team made just before them: that makes chains, the rest makes breadth.
fn parent_of(index: usize, dice: &mut Dice, above: &[Vec<u32>]) -> usize {
    let last = index - 1;
    if dice.chance(400) && above[last].len() < DEEPEST {
        return last;
    }
    let mut parent = dice.below(index as u64) as usize;
    while above[parent].len() >= DEEPEST {
        parent = above[parent][0] as usize;
    }
    parent
}

/// A child's name begins with its parent's, as many organizations do it: one name is then part of another. The first
/// children of a parent get a word each, from some place in the list on, the next ones a number too, so that no name comes twice.
fn name_below(parent: &str, place: usize, first: usize) -> String {
    let word = UNITS[(first * 5 + place) % UNITS.len()];
    let round = place / UNITS.len();
    if round == 0 {
        format!("{parent} / {word}")
    } else {
        format!("{parent} / {word} {}", round + 1)
    }
}

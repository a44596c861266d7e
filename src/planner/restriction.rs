//! Which conditions the API can evaluate.
//!
//! A pushed condition may bring too many rows, never too few: PostgreSQL checks every condition again. So the question
//! here is only whether the API's answer is sure to hold every row that the condition accepts, and, apart from that,
//! whether it is sure to hold no other (`exact`), which is what `count(*)` and `LIMIT` need.

use std::ffi::CStr;

use pgrx::pg_sys::{self, Oid};
use pluralsight_catalog::{FilterKind, FilterOption, Table};

use crate::executor::distrusted;
use crate::list::members;
use crate::relation::{Column, Relation};
use crate::spec::{ConditionKind, PushedCondition, ValueSource};

/// The first object id that can belong to a user's own operator.
const FIRST_USER_OID: u32 = 16_384;

/// A condition that the API can evaluate.
#[derive(Clone)]
pub struct Pushed {
    pub filter: String,
    pub kind: ConditionKind,
    pub values: Vec<Value>,
    pub exact: bool,
    /// The column that is compared.
    pub column: i16,
}

/// A value of a condition, not yet computed.
#[derive(Clone, Copy)]
pub enum Value {
    One(*mut pg_sys::Expr),
    Array(*mut pg_sys::Expr),
    /// The keys of a JSON object, the texts of a JSON list, or the one text.
    Json(*mut pg_sys::Expr),
    Constant(bool),
}

/// Looks at conditions over one table of one query.
pub struct Classifier<'a> {
    pub root: *mut pg_sys::PlannerInfo,
    pub relation: &'a Relation,
    /// The table's index in the query's range table.
    pub index: pg_sys::Index,
}

impl Classifier<'_> {
    /// The restriction of `rel` as the API can evaluate it.
    ///
    /// One that has to wait for another to hide rows from it is left to PostgreSQL: what the API makes of it, and what
    /// `EXPLAIN` shows of that, would tell of the hidden rows. PostgreSQL takes no index for such a restriction either.
    ///
    /// # Safety
    /// Both must be the planner's, of the query that `root` plans.
    pub unsafe fn restriction(
        &self,
        rinfo: *mut pg_sys::RestrictInfo,
        rel: *mut pg_sys::RelOptInfo,
    ) -> Option<Pushed> {
        // SAFETY: the caller vouches for both.
        unsafe {
            if (*rinfo).pseudoconstant || !pg_sys::restriction_is_securely_promotable(rinfo, rel) {
                return None;
            }
            self.classify((*rinfo).clause)
        }
    }

    /// The condition as the API can evaluate it; `None` leaves it to PostgreSQL.
    ///
    /// # Safety
    /// `clause` must be a condition of the query that `root` plans.
    unsafe fn classify(&self, clause: *mut pg_sys::Expr) -> Option<Pushed> {
        // SAFETY: the node's tag says which struct it is; the caller vouches that it is a node.
        unsafe {
            match (*clause).type_ {
                pg_sys::NodeTag::T_OpExpr => self.operator(clause.cast()),
                pg_sys::NodeTag::T_ScalarArrayOpExpr => self.any_of(clause.cast()),
                pg_sys::NodeTag::T_Var => self.boolean(clause, true),
                pg_sys::NodeTag::T_BooleanTest => {
                    let test = clause.cast::<pg_sys::BooleanTest>();
                    match (*test).booltesttype {
                        pg_sys::BoolTestType::IS_TRUE => self.boolean((*test).arg, true),
                        pg_sys::BoolTestType::IS_FALSE => self.boolean((*test).arg, false),
                        _ => None,
                    }
                }
                pg_sys::NodeTag::T_BoolExpr => self.boolean_expression(clause.cast()),
                _ => None,
            }
        }
    }

    unsafe fn boolean_expression(&self, expression: *mut pg_sys::BoolExpr) -> Option<Pushed> {
        // SAFETY: called for a node of this type; its arguments are a list of expressions.
        unsafe {
            let arguments = members::<pg_sys::Expr>((*expression).args);
            match (*expression).boolop {
                pg_sys::BoolExprType::NOT_EXPR => self.boolean(*arguments.first()?, false),
                pg_sys::BoolExprType::OR_EXPR => self.alternatives(&arguments),
                _ => None,
            }
        }
    }

    /// `a = 1 OR a = 2`: one list, if every arm is a condition on the same filter.
    unsafe fn alternatives(&self, arms: &[*mut pg_sys::Expr]) -> Option<Pushed> {
        let mut arms = arms.iter().map(|&arm| {
            // SAFETY: the arms are expressions of the query.
            let classified = unsafe { self.classify(arm) };
            // Who has all values of one arm has one of all the arms' values.
            classified.map(|arm| match arm.kind {
                ConditionKind::HasAll => Pushed {
                    kind: ConditionKind::Overlap,
                    ..arm
                },
                _ => arm,
            })
        });
        let mut merged = arms.next()??;
        if !matches!(merged.kind, ConditionKind::Keys | ConditionKind::Overlap) {
            return None;
        }
        for arm in arms {
            let arm = arm?;
            if arm.filter != merged.filter || arm.kind != merged.kind {
                return None;
            }
            merged.exact &= arm.exact;
            merged.values.extend(arm.values);
        }
        Some(merged)
    }

    /// A Boolean column standing for itself.
    unsafe fn boolean(&self, expression: *mut pg_sys::Expr, wanted: bool) -> Option<Pushed> {
        // SAFETY: an expression of the query.
        let column = unsafe { self.own_column(expression)? };
        if column.type_oid != pg_sys::BOOLOID {
            return None;
        }
        let filter = self
            .filter_on(&column)
            .filter(|filter| filter.kind == FilterKind::Scalar)?;
        Some(Pushed {
            filter: filter.name.clone(),
            kind: ConditionKind::Scalar,
            values: vec![Value::Constant(wanted)],
            // A record without the value is neither true nor false to SQL, but may well be "not true" to the API.
            exact: filter.exact && wanted,
            column: column.number,
        })
    }

    /// `column = value`, `value = column`, `object ? column`, `list_column && values`, `list_column @> values`.
    unsafe fn operator(&self, expression: *mut pg_sys::OpExpr) -> Option<Pushed> {
        // SAFETY: called for a node of this type.
        unsafe {
            let arguments = members::<pg_sys::Expr>((*expression).args);
            let [left, right] = arguments[..] else {
                return None;
            };
            let name = builtin_operator((*expression).opno)?;
            match name.as_str() {
                "=" => {
                    let (column, value) = match (self.own_column(left), self.own_column(right)) {
                        (Some(column), None) => (column, right),
                        (None, Some(column)) => (column, left),
                        _ => return None,
                    };
                    self.comparison(
                        &column,
                        (*expression).opno,
                        (*expression).inputcollid,
                        Value::One(value),
                    )
                }
                // PostgreSQL finds a key of a JSON object by a binary search, and an element of an array one by one.
                "?" => {
                    let column = self.own_column(right)?;
                    self.keys(&column, Value::Json(left))
                }
                "&&" | "@>" => {
                    let (column, values) = match (self.own_column(left), self.own_column(right)) {
                        (Some(column), None) => (column, right),
                        (None, Some(column)) if name == "&&" => (column, left),
                        _ => return None,
                    };
                    // `@> '{}'` holds for every list: only a list of known, non-empty values says something.
                    if name == "@>" && !is_filled_constant_array(values) {
                        return None;
                    }
                    let kind = match name.as_str() {
                        "@>" => ConditionKind::HasAll,
                        _ => ConditionKind::Overlap,
                    };
                    self.overlap(
                        &column,
                        (*expression).inputcollid,
                        kind,
                        Value::Array(values),
                    )
                }
                _ => None,
            }
        }
    }

    /// `column = ANY (values)`, `value = ANY (list_column)`.
    unsafe fn any_of(&self, expression: *mut pg_sys::ScalarArrayOpExpr) -> Option<Pushed> {
        // SAFETY: called for a node of this type.
        unsafe {
            if !(*expression).useOr || builtin_operator((*expression).opno)? != "=" {
                return None;
            }
            let arguments = members::<pg_sys::Expr>((*expression).args);
            let [left, right] = arguments[..] else {
                return None;
            };
            match (self.own_column(left), self.own_column(right)) {
                (Some(column), None) => self.comparison(
                    &column,
                    (*expression).opno,
                    (*expression).inputcollid,
                    Value::Array(right),
                ),
                (None, Some(column)) => self.overlap(
                    &column,
                    (*expression).inputcollid,
                    ConditionKind::Overlap,
                    Value::One(left),
                ),
                _ => None,
            }
        }
    }

    unsafe fn comparison(
        &self,
        column: &Column,
        operator: Oid,
        collation: Oid,
        value: Value,
    ) -> Option<Pushed> {
        // SAFETY: the operator is one of the query's; catalog look-ups by id.
        unsafe {
            let (mut left, mut right) = (Oid::INVALID, Oid::INVALID);
            pg_sys::op_input_types(operator, &mut left, &mut right);
            let comparable = [
                pg_sys::TEXTOID,
                pg_sys::BOOLOID,
                pg_sys::INT2OID,
                pg_sys::INT4OID,
                pg_sys::INT8OID,
            ];
            if left != right || !comparable.contains(&left) {
                return None;
            }
            if !tells_apart(collation) {
                return None;
            }
        }
        self.keys(column, value)
    }

    /// The column has the value, or one of the values.
    fn keys(&self, column: &Column, value: Value) -> Option<Pushed> {
        // SAFETY: the value is an expression of the query.
        if !unsafe { self.is_value(value) } {
            return None;
        }
        let filter = self.filter_on(column)?;
        if matches!(value, Value::Array(_) | Value::Json(_)) && filter.kind != FilterKind::List {
            return None;
        }
        Some(Pushed {
            filter: filter.name.clone(),
            kind: ConditionKind::of(filter.kind, false),
            values: vec![value],
            exact: filter.exact,
            column: column.number,
        })
    }

    unsafe fn overlap(
        &self,
        column: &Column,
        collation: Oid,
        kind: ConditionKind,
        value: Value,
    ) -> Option<Pushed> {
        // SAFETY: the value is an expression of the query; the collation is one that it uses.
        let can_be_asked = unsafe { self.is_value(value) && tells_apart(collation) };
        if column.type_oid != pg_sys::TEXTARRAYOID || !can_be_asked {
            return None;
        }
        let filter = self
            .filter_on(column)
            .filter(|filter| filter.kind == FilterKind::List)?;
        // Whether the API counts inherited entries of such a list is not known: only the others are sure to count.
        let differ = Table::over(&self.relation.options.query).and_then(|table| {
            table.columns.iter().find_map(|known| {
                known
                    .only_where
                    .filter(|_| known.fields.contains(&filter.field.as_str()))
            })
        });
        let own = column.options.only_where.as_ref().map(ToString::to_string);
        if column.options.only_where_not.is_some() || differ != own.as_deref() {
            return None;
        }
        Some(Pushed {
            filter: filter.name.clone(),
            kind,
            values: vec![value],
            exact: false,
            column: column.number,
        })
    }

    fn filter_on(&self, column: &Column) -> Option<&FilterOption> {
        if column.options.sum || column.options.absent {
            return None;
        }
        let field = column.options.field.to_string();
        self.relation
            .options
            .filters
            .iter()
            .find(|filter| filter.field == field)
            .filter(|filter| distrusted(&self.relation.options, filter).is_none())
    }

    /// The column, if the expression is one of this table's, perhaps as `varchar` seen as `text`.
    unsafe fn own_column(&self, expression: *mut pg_sys::Expr) -> Option<Column> {
        // SAFETY: an expression of the query, read by its tag.
        unsafe {
            let mut node = expression;
            while (*node).type_ == pg_sys::NodeTag::T_RelabelType {
                node = (*node.cast::<pg_sys::RelabelType>()).arg;
            }
            if (*node).type_ != pg_sys::NodeTag::T_Var {
                return None;
            }
            let var = node.cast::<pg_sys::Var>();
            if (*var).varno as pg_sys::Index != self.index
                || (*var).varlevelsup != 0
                || (*var).varattno <= 0
            {
                return None;
            }
            self.relation.column((*var).varattno).ok().flatten()
        }
    }

    /// Whether it can be computed once before the scan starts, without this table's own columns.
    unsafe fn is_value(&self, value: Value) -> bool {
        let (Value::One(expression) | Value::Array(expression) | Value::Json(expression)) = value
        else {
            return true;
        };
        // SAFETY: an expression of the query that `root` plans.
        unsafe {
            !pg_sys::bms_is_member(
                self.index as i32,
                pg_sys::pull_varnos(self.root, expression.cast()),
            ) && !pg_sys::contain_volatile_functions(expression.cast())
                && !pg_sys::contain_subplans(expression.cast())
        }
    }
}

/// Whether texts that are equal under the collation are the same texts: under a nondeterministic one, texts can be equal
/// that the API takes for different.
unsafe fn tells_apart(collation: Oid) -> bool {
    // SAFETY: a catalog look-up for a collation of the query.
    collation == Oid::INVALID || unsafe { pg_sys::get_collation_isdeterministic(collation) }
}

unsafe fn builtin_operator(operator: Oid) -> Option<String> {
    if operator.to_u32() >= FIRST_USER_OID {
        return None;
    }
    // SAFETY: a catalog look-up; the name is copied.
    unsafe {
        let name = pg_sys::get_opname(operator);
        (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
    }
}

unsafe fn is_filled_constant_array(expression: *mut pg_sys::Expr) -> bool {
    // SAFETY: read by its tag; a Const of an array type holds an array, which is detoasted before it is counted.
    unsafe {
        if (*expression).type_ != pg_sys::NodeTag::T_Const {
            return false;
        }
        let constant = expression.cast::<pg_sys::Const>();
        if (*constant).constisnull {
            return false;
        }
        let array = pg_sys::pg_detoast_datum((*constant).constvalue.cast_mut_ptr())
            .cast::<pg_sys::ArrayType>();
        pg_sys::ArrayGetNItems(
            (*array).ndim,
            array
                .cast::<u8>()
                .add(std::mem::size_of::<pg_sys::ArrayType>())
                .cast(),
        ) > 0
            && !pg_sys::array_contains_nulls(array)
    }
}

/// The conditions with their values moved into a list for `fdw_exprs`.
///
/// # Safety
/// Called while planning; the values are expressions of the query.
pub unsafe fn collect(pushed: &[Pushed]) -> (Vec<PushedCondition>, *mut pg_sys::List) {
    let mut expressions: *mut pg_sys::List = std::ptr::null_mut();
    let mut count = 0;
    let mut add = |expression: *mut pg_sys::Expr| {
        // SAFETY: appends to a list in the planner's memory context.
        expressions = unsafe { pg_sys::lappend(expressions, expression.cast()) };
        count += 1;
        count - 1
    };
    let conditions = pushed
        .iter()
        .map(|condition| PushedCondition {
            filter: condition.filter.clone(),
            kind: condition.kind,
            values: condition
                .values
                .iter()
                .map(|value| match value {
                    Value::One(expression) => ValueSource::One(add(*expression)),
                    Value::Array(expression) => ValueSource::Array(add(*expression)),
                    Value::Json(expression) => ValueSource::Json(add(*expression)),
                    Value::Constant(constant) => ValueSource::Constant(*constant),
                })
                .collect(),
        })
        .collect();
    (conditions, expressions)
}

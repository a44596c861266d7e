//! The foreign data wrapper: handler, validator and import. The planner's and the executor's callbacks are our own.

use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;
use pgrx::{AllocatedByRust, PgBox};
use supabase_wrappers::prelude::*;

use crate::error::FdwError;
use crate::{analyze, executor, explain, import, options, planner};

#[wrappers_fdw(
    version = "0.1.0",
    author = "The pluralsight_fdw authors",
    website = "https://www.postgresql.org/docs/current/postgres-fdw.html",
    error_type = "FdwError"
)]
pub struct PluralsightFdw {
    server: Server,
}

type Server = supabase_wrappers::prelude::ForeignServer;
type Routine = PgBox<pg_sys::FdwRoutine, AllocatedByRust>;

impl ForeignDataWrapper<FdwError> for PluralsightFdw {
    fn new(server: Server) -> Result<PluralsightFdw, FdwError> {
        Ok(PluralsightFdw { server })
    }

    // The framework's own scan is never reached: every callback that would lead here is replaced below.
    fn begin_scan(
        &mut self,
        _: &[Qual],
        _: &[Column],
        _: &[Sort],
        _: &Option<Limit>,
        _: &std::collections::HashMap<String, String>,
    ) -> Result<(), FdwError> {
        Err(unreachable_scan())
    }

    fn iter_scan(&mut self, _: &mut Row) -> Result<Option<()>, FdwError> {
        Err(unreachable_scan())
    }

    fn end_scan(&mut self) -> Result<(), FdwError> {
        Err(unreachable_scan())
    }

    fn import_foreign_schema(
        &mut self,
        statement: ImportForeignSchemaStmt,
    ) -> Result<Vec<String>, FdwError> {
        import::statements(self.server.server_oid, &statement)
    }

    fn validator(list: Vec<Option<String>>, catalog: Option<Oid>) -> Result<(), FdwError> {
        catalog.map_or(Ok(()), |catalog| options::validate(&list, catalog))
    }

    /// All or nothing: the framework's callbacks hand a private struct to one another, so none of them may stay.
    fn fdw_routine_hook(routine: &mut Routine) {
        routine.GetForeignRelSize = Some(planner::get_foreign_rel_size);
        routine.GetForeignPaths = Some(planner::get_foreign_paths);
        routine.GetForeignPlan = Some(planner::get_foreign_plan);
        routine.GetForeignUpperPaths = Some(planner::get_foreign_upper_paths);
        routine.BeginForeignScan = Some(executor::begin_foreign_scan);
        routine.IterateForeignScan = Some(executor::iterate_foreign_scan);
        routine.ReScanForeignScan = Some(executor::rescan_foreign_scan);
        routine.EndForeignScan = Some(executor::end_foreign_scan);
        routine.ExplainForeignScan = Some(explain::explain_foreign_scan);
        routine.IsForeignPathAsyncCapable = Some(executor::is_foreign_path_async_capable);
        routine.ForeignAsyncRequest = Some(executor::foreign_async_request);
        routine.ForeignAsyncConfigureWait = Some(executor::foreign_async_configure_wait);
        routine.ForeignAsyncNotify = Some(executor::foreign_async_notify);
        routine.AnalyzeForeignTable = Some(analyze::analyze_foreign_table);
        // Without these PostgreSQL itself refuses to write: "cannot insert into foreign table".
        routine.AddForeignUpdateTargets = None;
        routine.PlanForeignModify = None;
        routine.BeginForeignModify = None;
        routine.ExecForeignInsert = None;
        routine.ExecForeignUpdate = None;
        routine.ExecForeignDelete = None;
        routine.EndForeignModify = None;
    }
}

fn unreachable_scan() -> FdwError {
    FdwError::internal("the framework's own scan was reached")
}

extension_sql_file!(
    "../sql/extension/foreign_data_wrapper.sql",
    name = "foreign_data_wrapper",
    finalize
);

"""The calls of every service, against a real server."""

import inspect
import re
import unittest

import bitbudget
import service
from bitbudget.v1 import (campaign_pb2, experiment_pb2, fit_pb2, job_pb2, law_pb2, planner_pb2,
                          study_pb2)

RUN = {"parameters": 86e6, "fp_tokens": 20e9, "qat_tokens": 10e9, "weight_bits": 4,
       "loss_nats": 2.5}
CONTRACT = (campaign_pb2, experiment_pb2, fit_pb2, job_pb2, law_pb2, planner_pb2, study_pb2)
# For those who carry jobs out: a worker is a program, not a notebook.
FOR_WORKERS = {"LeaseJob", "ReportProgress", "CompleteJob", "FailJob", "ReleaseJob"}
OTHER_NAMES = {"create_experiment": "add_experiment",
               "batch_create_experiments": "import_experiments"}


def snake_case(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Contract(unittest.TestCase):
    def test_every_call_of_the_contract_has_a_method(self):
        calls = {method.name for module in CONTRACT
                 for service_ in module.DESCRIPTOR.services_by_name.values()
                 for method in service_.methods}
        names = {snake_case(call) for call in calls - FOR_WORKERS}
        methods = {OTHER_NAMES.get(name, name) for name in names}
        self.assertEqual(set(), {name for name in methods
                                 if not hasattr(bitbudget.Client, name)})


    def test_every_field_of_a_question_is_a_keyword(self):
        for call in planner_pb2.DESCRIPTOR.services_by_name["PlannerService"].methods:
            with self.subTest(call.name):
                method = getattr(bitbudget.Client, snake_case(call.name))
                keywords = set(inspect.signature(method).parameters) - {"min_revision"}
                fields = {field.name for field in call.input_type.fields}
                self.assertEqual(fields - {"source"}, keywords - {"self", "law"})


class Studies(service.ServiceTest):
    def test_a_study_is_created_found_listed_changed_and_deleted(self):
        study = self.client.create_study("s", display_name="first", loss_unit="nats-per-byte")
        self.assertEqual(("studies/s", "first"), (study.name, study.display_name))
        self.assertEqual("NATS_PER_BYTE", study.loss_unit)
        self.assertEqual(study, self.client.get_study("s"))
        self.assertIn(study, self.client.list_studies())
        changed = self.client.update_study(study, etag=study.etag, display_name="second",
                                           fit_options={"seed": 7})
        self.assertEqual(("second", 7), (changed.display_name, changed.fit_options.seed))
        with self.assertRaises(bitbudget.AbortedError) as raised:
            self.client.update_study("s", etag=study.etag, display_name="third")
        self.assertEqual("ETAG_MISMATCH", raised.exception.reason)
        self.assertEqual("", self.client.update_study("s", clear=["display_name"]).display_name)
        self.client.delete_study("s")
        with self.assertRaises(bitbudget.NotFoundError) as raised:
            self.client.get_study("s")
        self.assertEqual("STUDY_NOT_FOUND", raised.exception.reason)
        self.assertEqual("studies/s", raised.exception.details.resource_name)

    def test_keywords_go_before_a_definition(self):
        definition, _ = service.bundled_study()
        study = self.client.create_study("bundled", definition, display_name="mine")
        self.assertEqual("mine", study.display_name)
        self.assertEqual("classic", study.fit_options.schedule)
        self.assertEqual(4, len(study.model_family.shapes))

    def test_the_same_request_id_has_one_effect(self):
        first = self.client.create_study("once", request_id="a")
        self.assertEqual(first, self.client.create_study("once", request_id="a"))
        with self.assertRaises(bitbudget.AlreadyExistsError) as raised:
            self.client.create_study("once")
        self.assertEqual("STUDY_EXISTS", raised.exception.reason)

    def test_an_unknown_keyword_is_refused_with_the_nearest_one(self):
        with self.assertRaisesRegex(TypeError, "no field 'display_nam'; did you mean"):
            self.client.update_study("s", display_nam="x")

    def test_all_wrong_fields_are_named(self):
        with self.assertRaises(bitbudget.InvalidArgumentError) as raised:
            self.client.create_study("Not An Id", display_name="x" * 300)
        self.assertEqual({"study_id", "study.display_name"},
                         {violation.field for violation in raised.exception.field_violations})
        self.assertIn("display_name", str(raised.exception))


class Experiments(service.ServiceTest):
    def test_one_run_is_added_and_added_again_is_the_same(self):
        study = self.create_study()
        first = self.client.add_experiment(study, RUN, note="first")
        again = self.client.add_experiment(study, RUN, note="first")
        self.assertEqual((True, False), (first.created, again.created))
        self.assertEqual("FP_THEN_QAT", first.experiment.role)
        self.assertEqual(first.experiment, self.client.get_experiment(first.experiment))

    def test_a_list_goes_over_all_pages(self):
        study = self.create_study()
        self.client.import_experiments(study, [RUN | {"replicate": i} for i in range(1100)],
                                       import_batch="a")
        self.assertEqual(1100, len(self.client.list_experiments(study)))
        pages = self.client.iterate_experiments(study, order_by="loss", descending=True,
                                                page_size=7)
        self.assertEqual([0, 1], [next(pages).replicate, next(pages).replicate])
        self.assertEqual(list(range(1100)),
                         [run.replicate for run in self.client.export_experiments(study)])

    def test_a_filter_chooses(self):
        study = self.create_study()
        self.client.import_experiments(study, service.runs())
        chosen = self.client.list_experiments(study, {"weight_bits": [2, 4], "parameters": 86e6})
        self.assertEqual(2 * 4 * 5, len(chosen))
        self.assertEqual({"FULL_PRECISION"}, {
            run.role for run in
            self.client.list_experiments(study, {"roles": "full_precision"})})

    def test_an_import_reads_text_as_a_csv_file_has_it(self):
        study = self.create_study()
        row = {name: str(value) for name, value in RUN.items()} | {"trunk": "", "replicate": ""}
        reply = self.client.import_experiments(study, [row])
        self.assertEqual((1, 0), (reply.created_count, reply.unchanged_count))
        again = self.client.import_experiments(study, [RUN])
        self.assertEqual((0, 1), (again.created_count, again.unchanged_count))

    def test_rows_that_break_rules_refuse_the_import_and_are_named(self):
        study = self.create_study()
        rows = [RUN, RUN | {"weight_bits": 17, "provenance": {"line": 3}}]
        with self.assertRaises(bitbudget.InvalidArgumentError) as raised:
            self.client.import_experiments(study, rows)
        self.assertEqual([(1, 3, "weight_bits")], [
            (row.index, row.line, row.field) for row in raised.exception.rejected_rows])
        self.assertIn("line 3: weight_bits: is 17", str(raised.exception))
        reply = self.client.import_experiments(study, rows, skip_invalid=True,
                                               validate_only=True)
        self.assertEqual((1, 1), (reply.created_count, reply.rejected_count))
        self.assertEqual([], self.client.list_experiments(study))

    def test_a_row_that_cannot_be_sent_is_named(self):
        for cell, problem in (({"paramters": 1}, "row 1: .*did you mean 'parameters'"),
                              ({"parameters": 86.5}, "row 1: parameters: 86.5 is not a whole"),
                              ({"loss_nats": "low"}, "row 1: loss_nats: .*'low'"),
                              ({"role": "best"}, "row 1: role: 'best' is none of FULL_PRECIS")):
            with self.subTest(cell), self.assertRaisesRegex((TypeError, ValueError), problem):
                self.client.import_experiments("s", [RUN, RUN | cell])

    def test_a_contradicting_run_is_named(self):
        study = self.create_study()
        stored = self.client.add_experiment(study, RUN).experiment
        with self.assertRaises(bitbudget.AlreadyExistsError) as raised:
            self.client.import_experiments(study, [RUN | {"loss_nats": 2.6}])
        conflict, = raised.exception.conflicts
        self.assertEqual((stored.name, ("loss_nats",)),
                         (conflict.existing_experiment, conflict.differing_fields))
        self.assertIn(f"contradicts {stored.name}: other loss_nats", str(raised.exception))

    def test_runs_are_excluded_and_included(self):
        study = self.create_study()
        run = self.client.add_experiment(study, RUN).experiment
        self.client.exclude_experiments(study, [run], reason="mistyped")
        self.assertEqual("mistyped", self.client.get_experiment(run).exclude_reason)
        self.assertEqual(1, self.client.include_experiments(study, [run],
                                                            reason="not so").included_count)

    def test_a_study_without_runs_has_no_fit_to_wait_for(self):
        with self.assertRaises(bitbudget.FailedPreconditionError) as raised:
            self.client.wait_for_fit(self.create_study())
        self.assertEqual("FIT_FAILED", raised.exception.reason)


class Questions(service.ServiceTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        study = cls.client.create_study("s")
        reply = cls.client.import_experiments(study, service.runs())
        cls.study = cls.client.wait_for_fit(study, reply.revision)

    def test_the_loss_of_a_run(self):
        answer = self.client.predict_loss(self.study, parameters=194e6, fp_tokens=12e9,
                                          qat_tokens=4e9, weight_bits=2)
        # The runs scatter by .2 %; the mean is known better than that.
        truth = service.loss(194e6, 12e9, 4e9, 2)
        self.assertAlmostEqual(truth, answer.loss_nats.value, delta=.002 * truth)
        self.assertLess(answer.loss_nats.lower, answer.loss_nats.value)
        self.assertAlmostEqual(answer.loss_nats.value,
                               sum(term.loss_nats for term in answer.terms), places=9)
        self.assertTrue(answer.provenance.extrapolation.inside_data)

    def test_the_best_fraction_from_every_source_of_a_law(self):
        ask = dict(parameters=194e6, weight_bits=2, total_tokens=16e9)
        current = self.client.optimize_qat_fraction("s", **ask)
        self.assertEqual(current, self.client.optimize_qat_fraction(
            "studies/s", min_revision=self.study.revision, **ask))
        fit = self.client.get_fit(study="s")
        self.assertEqual(current.qat_fraction,
                         self.client.optimize_qat_fraction(fit, **ask).qat_fraction)
        published = self.client.optimize_qat_fraction("laws/apple_qat_fraction", **ask)
        self.assertEqual("laws/apple_qat_fraction", published.provenance.published_law)
        self.assertIsNone(published.loss_nats)

    def test_the_best_width_with_its_memory(self):
        answer = self.client.optimize_bit_width(
            "s", memory_bytes=2**28, total_tokens=64e9, weight_bits=[2, 4], draw_count=100,
            memory_model=bitbudget.MemoryModel(vocabulary=1000))
        self.assertEqual({2, 4}, {candidate.weight_bits for candidate in answer.candidates})
        self.assertEqual(1000, answer.memory_model.vocabulary)
        self.assertLessEqual(answer.candidates[0].memory.total_bytes, 2**28 * (1 + 1e-9))

    def test_the_comparison_with_full_precision(self):
        answer = self.client.compare_to_full_precision("s", parameters=194e6, total_tokens=16e9)
        self.assertEqual([1, 2, 4], [width.weight_bits for width in answer.widths])

    def test_the_waste_of_one_budget_and_of_several(self):
        ask = dict(parameters=194e6, weight_bits=2)
        one = self.client.estimate_waste("s", total_tokens=16e9, **ask)
        self.assertEqual(1, len(one.budgets))
        several = self.client.estimate_waste(
            "s", range={"lower": 4e9, "upper": 64e9, "count": 5}, hardware={
                "device": "h100-sxm", "price_per_device_hour": 2}, **ask)
        self.assertEqual(5, len(several.budgets))
        self.assertGreater(several.budgets[-1].wasted_money.value, 0)

    def test_a_plan(self):
        answer = self.client.plan_training("s", device_hours=100, parameters=194e6, hardware={
            "device": "h100-sxm", "device_count": 8})
        self.assertAlmostEqual(100, answer.cost.device_hours, places=6)
        self.assertEqual("194,000,000", f"{answer.plan.parameters:,.0f}")
        self.assertIn("qat_decay", [phase.name for phase in answer.schedule.phases])

    def test_a_grid(self):
        answer = self.client.evaluate_grid(
            "s", "loss_at_optimum_nats",
            [{"variable": "total_tokens", "count": 3, "lower": 4e9, "upper": 256e9,
              "logarithmic": True}, bitbudget.GridAxis(variable="WEIGHT_BITS", values=(2, 4))],
            parameters=194e6, with_intervals=True)
        self.assertEqual((6, 6), (len(answer.values), len(answer.upper)))
        self.assertAlmostEqual(32e9, answer.axes[0].values[1], delta=1)

    def test_what_the_data_cannot_answer_says_what_is_missing(self):
        study = self.create_study()
        rows = [run for run in service.runs() if not run["qat_tokens"]]
        reply = self.client.import_experiments(study, rows)
        with self.assertRaises(bitbudget.DataCannotAnswerError) as raised:
            self.client.wait_for_fit(study, reply.revision)
            self.client.optimize_qat_fraction(study, parameters=194e6, weight_bits=2,
                                              total_tokens=16e9)
        self.assertEqual("DATA_CANNOT_ANSWER", raised.exception.reason)
        self.assertTrue(raised.exception.data_cannot_answer.missing_axes)

    def test_a_fraction_of_nothing_is_out_of_range(self):
        with self.assertRaises(bitbudget.OutOfRangeError):
            self.client.predict_loss("s", parameters=194e6, fp_tokens=0, qat_tokens=4e9,
                                     weight_bits=2)

    def test_fits_are_run_listed_replayed_explained_and_compared(self):
        fit = self.client.run_fit("s", {"huber_delta": 1e-3, "start_count": 16})
        self.assertFalse(fit.standard_options)
        self.assertEqual(fit.coefficients, self.client.get_fit(fit).coefficients)
        self.assertIn(fit.name, [listed.name for listed in self.client.list_fits("s")])
        self.assertTrue(self.client.replay_fit(fit).identical)
        explained = self.client.explain_fit(study="s", run_count=3)
        self.assertEqual(3, len(explained.runs))
        comparison = self.client.compare_laws("s", [
            {"law": "compute_optimal_qat", "variant": "shared_bit_decay"},
            {"law": "compute_optimal_qat", "variant": "no_irreducible"}])
        self.assertEqual(comparison, self.client.get_law_comparison(study="s"))
        self.assertEqual(1, len(self.client.list_law_comparisons("s")))

    def test_a_new_fit_is_seen(self):
        study = self.create_study()
        watched = self.client.watch_fits(study)
        next(watched)
        self.client.import_experiments(study, service.runs())
        fit = self.client.wait_for_fit(study).fit_status.latest_fit
        self.assertIn(fit, (message.fit.name for message in watched if message.fit))
        watched.close()

    def test_an_id_needs_its_study(self):
        with self.assertRaisesRegex(TypeError, "'latest' is an id: say which study"):
            self.client.get_fit()

    def test_laws_and_devices_are_known_by_name(self):
        self.assertIn("laws/chinchilla", [law.name for law in self.client.list_laws()])
        self.assertEqual("E + A / N^alpha + B / D^beta",
                         self.client.get_law("chinchilla").formula)
        self.assertIn("h100-sxm", [d.name for d in self.client.list_devices().devices])


class Jobs(service.ServiceTest):
    GRID = {"grids": [{"models": [{"shape": {"width": 32, "layers": 2}}], "total_tokens": [1e6],
                       "weight_bits": [2], "qat_fractions": [0.25, 0.5]}],
            "training": {"schedule": {"peak_rate": 0.0045}}}

    def test_a_job_is_created_listed_cancelled_and_retried(self):
        study = self.create_study()
        job = self.client.create_job(study, {"trainer": "bigram", "training": {
            "model": {"parameters": 1024}, "schedule": {"peak_rate": .5, "fp_tokens": 20000}}})
        self.assertEqual("QUEUED", job.state)
        self.assertEqual([job.name], [listed.name for listed in
                                      self.client.list_jobs(study, states=["queued"])])
        self.assertEqual("CANCELLED", self.client.cancel_job(job, reason="no need").state)
        self.assertEqual([], self.client.list_jobs(study, states=["queued"]))
        self.assertEqual("QUEUED", self.client.retry_job(job).state)
        self.assertEqual(job.training_hash, self.client.get_job(job).training_hash)

    def test_a_campaign_is_costed_created_watched_and_cancelled(self):
        study = self.create_study()
        cost = self.client.create_campaign(study, self.GRID, validate_only=True).cost
        self.assertEqual([], self.client.list_campaigns(study))
        campaign = self.client.create_campaign(study, self.GRID, campaign_id="c")
        self.assertEqual(cost, campaign.cost)
        self.assertEqual(campaign.name, self.client.list_campaigns(study)[0].name)
        states = self.client.watch_campaign("c", study)
        self.assertFalse(next(states).ended)
        self.client.cancel_campaign(campaign, reason="enough")
        self.assertTrue(list(states)[-1].ended)
        self.assertTrue(self.client.get_campaign("c", study).ended)

    def test_watching_ends_after_the_time_given(self):
        study = self.create_study()
        with self.assertRaises(bitbudget.DeadlineExceededError):
            list(self.client.watch_jobs(study, timeout=0.2))

    def test_changes_of_jobs_are_seen(self):
        study = self.create_study()
        campaign = self.client.create_campaign(study, self.GRID)
        watched = self.client.watch_jobs(study, campaign=campaign)
        for message in watched:
            if message.present_state_complete:
                break
        self.client.cancel_campaign(campaign)
        self.assertEqual("CANCELLED", next(watched).job.state)
        watched.close()

    def test_a_worker_is_told_to_leave(self):
        self.assertEqual((), self.client.drain_worker("w").jobs)
        self.client.drain_worker("w", lift=True)


class Backup(service.ServiceTest):
    def test_a_backup_is_asked_for_once(self):
        with self.assertRaises(bitbudget.NotFoundError) as raised:
            self.client.backup("/nowhere/bitbudget.db")
        self.assertEqual("DIRECTORY_NOT_FOUND", raised.exception.reason)


if __name__ == "__main__":
    unittest.main()

"""Records: answers as data, as text and as data frames."""

import dataclasses
import datetime
import math
import sys
import unittest
from unittest import mock

import bitbudget
import service
from bitbudget import _record, _request
from bitbudget.v1 import campaign_pb2, experiment_pb2, planner_pb2

try:
    import pandas
except ImportError:
    pandas = None

ESTIMATE = bitbudget.Estimate(value=2.5, lower=2.4, upper=2.6)


class Conversion(unittest.TestCase):
    def test_every_field_of_the_contract_is_a_field_of_its_record(self):
        for name, record in _record.RECORDS.items():
            with self.subTest(name):
                self.assertEqual([field.name for field in record._message.DESCRIPTOR.fields],
                                 [field.name for field in dataclasses.fields(record)])

    def test_what_is_unset_is_none_and_zero_is_zero(self):
        message = experiment_pb2.Experiment(parameters=1)
        run = _record.from_message(bitbudget.Experiment, message)
        self.assertEqual((None, None, None, 0), (run.activation_bits, run.role,
                                                 run.provenance, run.qat_tokens))
        message.activation_bits = 0
        self.assertEqual(0, _record.from_message(bitbudget.Experiment, message).activation_bits)

    def test_a_record_goes_there_and_back(self):
        campaign = bitbudget.Campaign(
            title="t", training=bitbudget.TrainingSpec(seed=3, options={"a": "b"}),
            grids=(bitbudget.CampaignGrid(total_tokens=(1, 2), weight_bits=(2.5,)),),
            state_counts=(bitbudget.CampaignStateCount(bitbudget.JobState.QUEUED, 2),),
            create_time=datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc))
        message = campaign_pb2.Campaign()
        _request.fill(message, campaign)
        self.assertEqual(campaign, _record.from_message(bitbudget.Campaign, message))

    def test_whole_numbers_may_come_as_floats_and_no_others(self):
        request = _request.make(planner_pb2.PredictLossRequest, parameters=1e9, fp_tokens="20")
        self.assertEqual((10**9, 20), (request.parameters, request.fp_tokens))
        for value in (1.5, "1.5", math.nan, 1e30):
            with self.subTest(value), self.assertRaisesRegex((ValueError, OverflowError),
                                                             "parameters"):
                _request.make(planner_pb2.PredictLossRequest, parameters=value)

    def test_records_are_values(self):
        self.assertEqual(ESTIMATE, bitbudget.Estimate(2.5, 2.4, 2.6))
        self.assertEqual({"value": 2.5, "lower": 2.4, "upper": 2.6}, ESTIMATE.to_dict())
        self.assertEqual(2.5, float(ESTIMATE))
        with self.assertRaises(dataclasses.FrozenInstanceError):
            ESTIMATE.value = 3


class Text(unittest.TestCase):
    def test_an_answer_shows_value_interval_range_and_source(self):
        answer = bitbudget.PredictLossResponse(
            loss_nats=ESTIMATE, tokens_per_parameter_byte=289.35,
            terms=(bitbudget.LossTerm("floor", 1.5),),
            provenance=bitbudget.Provenance(
                law="compute_optimal_qat", variant="full", fit="studies/s/fits/1", revision=3,
                confidence_level=.9, warnings=("Mind the gap.",),
                extrapolation=bitbudget.Extrapolation(axes=(bitbudget.ExtrapolationAxis(
                    "parameters", 2e6, bitbudget.Range(1e5, 1e6), 2),))))
        self.assertEqual("""PredictLossResponse
  loss_nats                  2.5 (2.4 to 2.6)
  terms
    LossTerm(name='floor', loss_nats=1.5)
  tokens_per_parameter_byte  289.35
  from compute_optimal_qat (full), fit studies/s/fits/1, revision 3; intervals at 0.9
  outside the data: parameters 2,000,000 is 2 times beyond 100,000 to 1,000,000
  warning: Mind the gap.""", repr(answer))

    def test_a_value_without_interval_stands_alone(self):
        self.assertEqual("2.5", repr(bitbudget.Estimate(2.5)))

    def test_a_run_is_one_line_of_what_is_set(self):
        run = bitbudget.Experiment(name="studies/s/experiments/1", parameters=86_000_000,
                                   role=bitbudget.Role.CONTROL, loss_nats=2.5)
        self.assertEqual("Experiment(name='studies/s/experiments/1', parameters=86,000,000, "
                         "embedding_parameters=0, fp_tokens=0, qat_tokens=0, weight_bits=0, "
                         "role=CONTROL, replicate=0, loss_nats=2.5, create_revision=0, "
                         "excluded=False)", repr(run))

    def test_a_long_list_shows_its_beginning(self):
        text = repr(bitbudget.RecordList([bitbudget.Range(1, 2)] * 50))
        self.assertEqual(10, text.count("Range(lower=1, upper=2)"))
        self.assertIn("... 50 in all", text)


@unittest.skipUnless(pandas, "python3-pandas is not installed")
class DataFrames(service.ServiceTest):
    def test_runs_go_to_a_data_frame_and_back(self):
        study = self.create_study()
        self.client.import_experiments(study, service.runs())
        frame = self.client.list_experiments(study).to_dataframe()
        self.assertEqual(256, len(frame))
        self.assertEqual({1, 2, 4, 16}, set(frame.weight_bits))
        columns = frame[["parameters", "fp_tokens", "qat_tokens", "weight_bits", "schedule",
                         "loss_nats", "activation_bits"]]
        reply = self.client.import_experiments(study, columns)
        self.assertEqual((0, 256), (reply.created_count, reply.unchanged_count))

    def test_a_grid_has_a_row_for_each_point(self):
        grid = bitbudget.EvaluateGridResponse(
            axes=(bitbudget.EvaluateGridResponseAxisValues("TOTAL_TOKENS", (1e9, 2e9)),
                  bitbudget.EvaluateGridResponseAxisValues("WEIGHT_BITS", (2, 4))),
            values=(1, 2, 3, math.nan), inside_data=(True, True, False, False))
        frame = grid.to_dataframe("loss_nats")
        self.assertEqual(["total_tokens", "weight_bits", "loss_nats", "inside_data"],
                         list(frame.columns))
        self.assertEqual([2e9, 2, 3, False], list(frame.iloc[2]))

    def test_an_uncertain_quantity_has_three_columns(self):
        frame = bitbudget.RecordList([
            bitbudget.BudgetWaste(budget_tokens=1e9, loss_nats=ESTIMATE)]).to_dataframe()
        self.assertEqual([2.5, 2.4, 2.6], list(frame[["loss_nats", "loss_nats.lower",
                                                      "loss_nats.upper"]].iloc[0]))

    def test_answers_that_are_lists_have_data_frames(self):
        devices = self.client.list_devices()
        self.assertEqual(len(devices.devices), len(devices.to_dataframe()))
        comparison = bitbudget.LawComparison(entries=(
            bitbudget.LawComparisonEntry(variant="full", residual_rms=0.01, tied_with_best=True),
            bitbudget.LawComparisonEntry(variant="per_bit_chinchilla", too_few_folds=True)))
        self.assertEqual([False, True], list(comparison.to_dataframe().too_few_folds))
        explanation = bitbudget.ExplainFitResponse(runs=(
            bitbudget.ExplainFitResponseRun(experiment="studies/a/experiments/1", residual=0.5),))
        self.assertEqual([0.5], list(explanation.to_dataframe().residual))


class WithoutPandas(unittest.TestCase):
    def test_a_data_frame_says_what_to_install(self):
        with mock.patch.dict(sys.modules, {"pandas": None}):
            with self.assertRaisesRegex(ImportError, "python3-pandas"):
                bitbudget.RecordList([ESTIMATE]).to_dataframe()


if __name__ == "__main__":
    unittest.main()

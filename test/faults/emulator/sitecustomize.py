"""
Python loads this into the emulator before the emulator's own code. While a fault proxy is running (fault-proxy.ts), each
task of a workflow asks it whether to fail: the emulator makes the workflow's calls within its own process, out of reach of
a proxy. It also makes failures behave as in an account where the emulator differs, and lets tests shorten the waits between
the attempts of a message.
"""

import contextvars
import functools
import json
import os
import threading
import time
import urllib.request

from ministack.core import lambda_runtime
from ministack.services import sqs, stepfunctions

execute_task = stepfunctions._execute_task
invoke_resource = stepfunctions._invoke_resource
error_matches = stepfunctions._error_matches
ExecutionError = stepfunctions._ExecutionError

current_task = contextvars.ContextVar("current_task")


def known_task(state, raw_input, execution, context):
    # A batch of a Distributed Map has the map's label after the name of the state machine.
    machine = execution["stateMachineArn"].split("/")[0]
    definition = stepfunctions._state_machines[machine]["definition"]
    current_task.set({"machine": machine, "state": name_of(state, definition), "input": execution["input"]})
    return execute_task(state, raw_input, execution, context)


def name_of(state, definition):
    """Identified by its definition, because parallel branches overwrite each other's name in the context."""
    return next(name for name, candidate in states_of(definition) if candidate == state)


@functools.lru_cache
def states_of(definition):
    def below(machine):
        for name, state in machine["States"].items():
            yield name, state
            for inner in [*state.get("Branches", []), *filter(None, [state.get("ItemProcessor")])]:
                yield from below(inner)

    return list(below(json.loads(definition)))


def fated_resource(resource, arguments):
    fate = fate_of(resource)
    result = None
    if fate["takesEffect"]:
        try:
            result = invoke_resource(resource, arguments)
        except ExecutionError as failure:
            if "error" not in fate:
                raise named_as_in_an_account(failure) from None
    if "error" in fate:
        raise ExecutionError(fate["error"], "from the fault proxy")
    return result


def named_as_in_an_account(failure):
    """The emulator reports a function whose process was killed as one whose handler threw."""
    if failure.error == "Runtime.HandlerError" and "Worker process died" in failure.cause:
        return ExecutionError("Runtime.ExitError", failure.cause)
    return failure


def fate_of(resource):
    undisturbed = {"takesEffect": True}
    task = current_task.get(None)
    if task is None:
        return undisturbed
    try:
        with open(os.environ["FAULT_PROXY_FILE"]) as file:
            url = f"http://127.0.0.1:{int(file.read())}/workflow-task"
        with urllib.request.urlopen(url, json.dumps({**task, "resource": resource}).encode()) as response:
            return json.load(response)
    except (OSError, ValueError):
        # No proxy is running.
        return undisturbed


def matches_as_in_an_account(patterns, error):
    # Cannot be caught: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
    return error != "States.Runtime" and error_matches(patterns, error)


invoke = lambda_runtime.Worker.invoke
signal, collect = lambda_runtime._signal, lambda_runtime._collect
this_thread = threading.local()


def invoke_and_keep(worker, *given, **named):
    """Keeps the process of a function that throws: as in an account, it handles the next invocation."""
    this_thread.spared = []
    response = invoke(worker, *given, **named)
    spared, this_thread.spared = this_thread.spared, None
    for process in spared:
        if str(response.get("error")).startswith("Task timed out"):
            signal(process)
            collect(process, time.monotonic() + lambda_runtime._REAP_GRACE)
        else:
            worker._proc = process
    return response


def signal_unless_spared(process):
    if getattr(this_thread, "spared", None) is None:
        signal(process)
    else:
        this_thread.spared.append(process)


def collect_unless_spared(process, deadline):
    if process not in (getattr(this_thread, "spared", None) or []):
        collect(process, deadline)


change_visibility = sqs._HANDLERS["ChangeMessageVisibility"]


def change_visibility_scaled(data, queue_url):
    """A queue with the tag `retry-wait-scale` shortens the waits between the attempts of its messages."""
    response = change_visibility(data, queue_url)
    queue = sqs._get_q(data.get("QueueUrl", queue_url), "sqs:ChangeMessageVisibility")
    scale = float(queue.get("tags", {}).get("retry-wait-scale", 1))
    for message in queue["messages"]:
        if message["receipt_handle"] == data["ReceiptHandle"]:
            message["visible_at"] = time.time() + scale * int(data["VisibilityTimeout"])
    return response


stepfunctions._execute_task = known_task
stepfunctions._invoke_resource = fated_resource
stepfunctions._error_matches = matches_as_in_an_account
lambda_runtime.Worker.invoke = invoke_and_keep
lambda_runtime._signal = signal_unless_spared
lambda_runtime._collect = collect_unless_spared
sqs._HANDLERS["ChangeMessageVisibility"] = change_visibility_scaled

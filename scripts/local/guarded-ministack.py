"""
Runs MiniStack for the user who started it only. By itself, MiniStack takes the access key "test", every
number of 12 digits and every signature for root, and answers requests about its own state without any key. Lambda
functions are processes of this user, so any local user, container or web page that reaches the port could run code as them.

Here, a request needs the start's own access key, or one that the emulator issued with it (to a function's role, for
example), and a signature by it. Public addresses need none in AWS: APIs, and uploads by form. Only a proxy that has the start's
secret reaches them here. The names that this file replaces are MiniStack's own, so it stops if one is gone.
"""

import hashlib
import hmac
import json
import os
import re
from urllib.parse import parse_qs

from ministack import app as ministack
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.core.router import extract_access_key_id
from ministack.services import iam, lambda_svc, s3, sts

root_key = os.environ["AWS_ACCESS_KEY_ID"]
root_secret = os.environ["AWS_SECRET_ACCESS_KEY"]

# A web page of another site that points its own name to this machine sends that name.
own_hosts = re.compile(r"(127\.0\.0\.1|\[::1\]|([a-z0-9.-]+\.)?localhost|host\.docker\.internal)(:\d+)?")
# Says that the emulator is running, and nothing about what is in it.
health = "/_ministack/health"
# Custom resources of CloudFormation answer to an address with a random token, and have no key.
answers_by_token = re.compile(r"/_ministack/cfn-(response|signal)/[0-9a-f-]{36}")
# Addresses that are public in AWS: what guards an API is its authorizer, and an uploaded form is signed.
public_api = re.compile(r"/_aws/execute-api/[^/]+/")
proxy_header = b"x-emulator-proxy"
internal = re.compile(r"/_(ministack|localstack)(/|$)")


def refusal(scope):
    """Why a request is refused; None if it is not."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    if not own_hosts.fullmatch(headers.get("host", "").lower()):
        return "it was sent to another host name than the emulator's own"
    if "origin" in headers or "sec-fetch-site" in headers:
        return "it comes from a web page"
    path = scope["path"]
    if path == health or answers_by_token.fullmatch(path):
        return None
    if internal.match(path):
        return "the emulator's internal addresses are closed"
    if is_public(scope, headers) and is_from_proxy(scope):
        return None
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    if not is_known(extract_access_key_id(headers, query)):
        return "its access key is not one of this start: see what npm start prints"
    return None


def is_public(scope, headers):
    return public_api.match(scope["path"]) or (scope.get("method") == "POST" and is_form(headers))


def is_form(headers):
    return headers.get("content-type", "").startswith("multipart/form-data;")


def is_from_proxy(scope):
    return hmac.compare_digest(dict(scope["headers"]).get(proxy_header, b""), root_secret.encode())


def without_proxy_header(scope):
    """Functions see the headers of a request, and must not see the secret."""
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name.lower() != proxy_header]}


def is_known(access_key):
    return is_root(access_key) or access_key in sts._sessions or access_key in {key for _, key in iam._access_keys.to_dict()}


def is_root(access_key):
    return hmac.compare_digest((access_key or "").encode(), root_key.encode())


def guarded(serve):
    async def guard(scope, receive, send):
        reason = None if scope["type"] == "lifespan" else refusal(scope)
        if scope["type"] == "lifespan":
            await serve(scope, receive, send)
        elif reason is None:
            await serve(without_proxy_header(scope), receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refuse(scope, send, f"The local emulator refused this request: {reason}.")

    return guard


async def refuse(scope, send, message):
    """As the two kinds of AWS clients read it: S3's speak XML."""
    authorization = dict(scope["headers"]).get(b"authorization", b"")
    if b"/s3/aws4_request" in authorization:
        kind, body = b"application/xml", f"<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>"
    else:
        kind, body = b"application/x-amz-json-1.1", json.dumps({"__type": "AccessDeniedException", "message": message})
    await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": body.encode()})


def execution_credentials(config):
    """MiniStack derives the credentials of a function from its name and its role's, which anyone can do."""
    function, role, name = config["FunctionArn"], config["Role"], config["FunctionName"]

    def secret(purpose):
        return hmac.new(root_secret.encode(), f"{purpose} {function} {role}".encode(), hashlib.sha256).hexdigest()

    access_key, secret_key, session_token = f"ASIA{secret('key')[:16].upper()}", secret("secret"), secret("token")
    role_name, session_name = role.rsplit("/", 1)[-1], name[:64]
    session = {
        "Arn": f"arn:aws:sts::{function.split(':')[4]}:assumed-role/{role_name}/{session_name}",
        "UserId": f"{role_name}:{session_name}",
        "SecretAccessKey": secret_key,
        "SessionToken": session_token,
    }
    sts.register_session(access_key, session)
    return {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key, "AWS_SESSION_TOKEN": session_token}


def with_write_condition(describe):
    """The condition key of RenditionBucketPolicy, which MiniStack does not know."""

    def context(iam_action, query_params, path, headers):
        found = describe(iam_action, query_params, path, headers)
        if iam_action == "s3:PutObject" and headers.get("if-none-match"):
            found["s3:if-none-match"] = headers["if-none-match"]
        return found

    return context


def authenticated_by_form(authenticate):
    """A form for S3 contains its own signature, and the request has none."""

    def check(service, headers, query_params, request_id):
        if service == "s3" and is_form(headers):
            return None
        return authenticate(service, headers, query_params, request_id)

    return check


def without_forms(extract_action):
    """S3 asks whether the one who signed the form may store the file, and not whether the one who sends it may."""

    def extract(service, method, path, headers, *rest):
        return None if service == "s3" and is_form(headers) else extract_action(service, method, path, headers, *rest)

    return extract


def only_signed_forms(post_object):
    """MiniStack stores what an unsigned form contains, as S3 does in public buckets only."""

    def post(bucket_name, body, headers):
        parts = s3._parse_multipart_form(headers.get("content-type", ""), body)
        if {"policy", "x-amz-signature"} <= {name.lower() for name, *_ in parts}:
            return post_object(bucket_name, body, headers)
        return s3._error("AccessDenied", "Access Denied", 403)

    return post


def replace(module, name, make):
    setattr(module, name, make(getattr(module, name)))


if __name__ == "__main__":
    for module in (iam_evaluator, sts):
        replace(module, "is_root_access_key", lambda _: is_root)
    # Skips the check of the signature for those it accepts.
    replace(iam_evaluator, "_is_root_key", lambda _: lambda _key: False)
    for module in (lambda_runtime, lambda_svc):
        replace(module, "execution_credentials", lambda _: execution_credentials)
    replace(iam_actions, "_s3_object_context", with_write_condition)
    replace(ministack, "_authenticate_only", authenticated_by_form)
    replace(iam_actions, "extract_iam_action", without_forms)
    replace(s3, "_post_object", only_signed_forms)
    # With TLS, MiniStack would also listen on port 443.
    replace(ministack, "_port_is_bindable", lambda _: lambda _host, _port: False)
    replace(ministack, "app", guarded)
    ministack.main()

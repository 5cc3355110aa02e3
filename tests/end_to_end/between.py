"""Somebody between a gateway and its collector who ends TLS with a certificate of his own."""

import http.client
import http.server
import json
import ssl
import threading
from urllib.parse import urlsplit

from protocols.clock import HOUR, SystemClock
from protocols.tls.making import make_authority, make_server


class Between:
    """Hands on what it hears; `changes` may make something else of a request's JSON."""

    def __init__(self, folder, url, changes=lambda path, said: said):
        self.forwarded = []
        outer = self
        at = urlsplit(url)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                body = json.dumps(changes(self.path, said)).encode()
                outer.forwarded.append(self.path)
                trusting = ssl.create_default_context()
                trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
                link = http.client.HTTPSConnection(at.hostname, at.port, context=trusting)
                link.request("POST", self.path, body, {"Content-Type": "application/json"})
                answer = link.getresponse()
                data = answer.read()
                link.close()
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        now = SystemClock().now()
        pair = make_server(make_authority("between", now - HOUR, now + HOUR), ["127.0.0.1"],
                           now - HOUR, now + HOUR)  # fmt: skip
        file = folder / "between.pem"
        file.write_bytes(pair.pem())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()

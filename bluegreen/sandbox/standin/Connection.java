import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** One HTTP/1.1 connection, with keep-alive; and the two endpoints whose answers have no length. */
final class Connection implements Runnable {
    // Longer than the 60 s for which nginx keeps an idle connection to an upstream: nginx must close it first.
    private static final int KEEP_ALIVE_MILLIS = 75_000;

    private final Socket socket;
    private final Server server;
    private final InputStream in;
    private final OutputStream out;
    private final RequestReader reader;
    private boolean idle;

    Connection(Socket socket, Server server) throws IOException {
        this.socket = socket;
        this.server = server;
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(KEEP_ALIVE_MILLIS);
        in = new BufferedInputStream(socket.getInputStream(), 16_384);
        out = new BufferedOutputStream(socket.getOutputStream(), 16_384);
        reader = new RequestReader(in, out);
    }

    @Override
    public void run() {
        try {
            while (requestBegins() && serveOne()) {
                // the next request of this connection
            }
            lingerAndClose();
        } catch (Malformed malformed) {
            refuse(malformed);
        } catch (IOException gone) {
            // the client left, or was idle too long
        } catch (Exception exception) {
            exception.printStackTrace();
        } finally {
            close();
            server.remove(this);
        }
    }

    private boolean requestBegins() throws IOException {
        synchronized (this) {
            if (StandIn.stopping && in.available() == 0) {
                return false;
            }
            idle = true;
        }
        in.mark(1);
        int first = in.read();
        in.reset();
        synchronized (this) {
            idle = false;
        }
        return first >= 0;
    }

    /** Closes an idle connection, as Tomcat does when it stops. A request that has arrived is still served. */
    synchronized void closeIfIdle() {
        try {
            if (idle && socket.getInputStream().available() == 0) {
                socket.close();
            }
        } catch (IOException gone) {
            close();
        }
    }

    /** Serves the next request; returns whether the connection stays open. */
    private boolean serveOne() throws Exception {
        Request request = reader.read();
        if (server.application && request.path().equals("/stream")) {
            stream(request.delayMillis());
            return false;
        }
        if (server.application && request.path().equals("/socket")) {
            upgrade();
            return false;
        }
        Answer answer = Endpoints.answer(request, server);
        if (answer == null) {
            return false;
        }
        boolean keepAlive = request.keepsAlive() && !StandIn.stopping;
        write(answer, keepAlive, !request.method().equals("HEAD"));
        return keepAlive;
    }

    /** /stream: server-sent events with the version, two per second, and a last one at the end. */
    private void stream(long millis) throws IOException {
        // Without X-Accel-Buffering nginx would buffer the events.
        print("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Accel-Buffering: no"
                + "\r\nConnection: close\r\n\r\n");
        long end = System.nanoTime() + millis * 1_000_000;
        while (System.nanoTime() < end) {
            print("data: " + Behaviour.VERSION + "\n\n");
            out.flush();
            Pause.millis(500);
        }
        print("event: end\ndata: " + Behaviour.VERSION + "\n\n");
        out.flush();
    }

    /** /socket: an upgraded connection, like a websocket. Each line comes back with the version before it. */
    private void upgrade() throws IOException {
        print("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n");
        out.flush();
        try {
            while (true) {
                print(Behaviour.VERSION + " " + reader.line() + "\n");
                out.flush();
            }
        } catch (EOFException over) {
            // the client closed the connection
        }
    }

    private void write(Answer answer, boolean keepAlive, boolean withBody) throws IOException {
        print("HTTP/1.1 " + answer.status() + " " + Answer.reason(answer.status())
                + "\r\nContent-Type: " + answer.type() + "\r\nContent-Length: " + answer.body().length
                + (answer.location() == null ? "" : "\r\nLocation: " + answer.location())
                + "\r\nX-Version: " + Behaviour.VERSION + "\r\nX-Slot: " + Settings.profile()
                + "\r\nConnection: " + (keepAlive ? "keep-alive" : "close") + "\r\n\r\n");
        if (withBody) {
            out.write(answer.body());
        }
        out.flush();
    }

    private void print(String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
    }

    private void refuse(Malformed malformed) {
        try {
            write(Answer.text(malformed.status, malformed.getMessage()), false, true);
            lingerAndClose();
        } catch (IOException gone) {
            // the client left before its answer
        }
    }

    /** A close with unread input is a reset, which can discard the last answer (RFC 9112, 9.6). */
    private void lingerAndClose() throws IOException {
        socket.shutdownOutput();
        socket.setSoTimeout(1000);
        long deadline = System.nanoTime() + 1_000_000_000L;
        byte[] rest = new byte[8192];
        while (in.read(rest) >= 0 && System.nanoTime() < deadline) {
            // until the client has closed its side
        }
    }

    private void close() {
        try {
            socket.close();
        } catch (IOException alreadyClosed) {
            // nothing is left to close
        }
    }
}

import java.io.IOException;
import java.net.ServerSocket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * One listening port: the application's, the management's, or both in one.
 *
 * <p>Not com.sun.net.httpserver: it closes idle connections above 200, does not disable Nagle's algorithm, and its
 * stop neither sends "Connection: close" nor ends before its whole grace has passed.
 */
final class Server {
    private static final ExecutorService THREADS = Executors.newCachedThreadPool();

    final boolean application;
    final boolean health;
    private final ServerSocket socket;
    private final Set<Connection> connections = ConcurrentHashMap.newKeySet();

    Server(ServerSocket socket, boolean application, boolean health) {
        this.socket = socket;
        this.application = application;
        this.health = health;
    }

    void accept() {
        while (true) {
            try {
                Connection connection = new Connection(socket.accept(), this);
                connections.add(connection);
                THREADS.execute(connection);
            } catch (IOException closed) {
                if (socket.isClosed()) {
                    return;
                }
            }
        }
    }

    void stopAccepting() {
        try {
            socket.close();
        } catch (IOException alreadyClosed) {
            // nothing is accepted any more
        }
        connections.forEach(Connection::closeIfIdle);
    }

    void remove(Connection connection) {
        connections.remove(connection);
    }

    boolean isBusy() {
        return !connections.isEmpty();
    }
}

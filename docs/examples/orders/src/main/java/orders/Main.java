package orders;

import io.bowstring.Bowstring;
import io.bowstring.InitOptions;
import io.bowstring.ObjectRef;
import io.bowstring.ObjectStream;
import io.bowstring.PyFunction;
import io.bowstring.arrow.ArrowValue;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;

/**
 * Orders from a database in Java, evaluated in Python, written back by Java: {@code orders.Main FOLDER [ORDERS]}.
 *
 * <p>A Java task streams the table as Arrow batches; each goes, by reference, to a Python task; what that makes is read here
 * and added up in the database, which then checks it against its own answer.
 */
public final class Main {
    private static final int BATCH_ROWS = 20_000;

    private Main() {}

    public static void main(String[] arguments) throws SQLException {
        Path folder = Path.of(arguments[0]).toAbsolutePath();
        int count = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 200_000;
        String url = "jdbc:h2:" + folder.resolve("shop");
        fill(url, count);
        Path python = Path.of(System.getProperty("orders.python", "python")).toAbsolutePath();
        InitOptions options = InitOptions.builder().setNumCpus(2).setPythonPath(List.of(python.toString())).build();
        try (Bowstring.Runtime runtime = Bowstring.init(options)) {
            int batches = evaluate(url);
            System.out.printf("%d orders in %d batches, %d customers, %d differences%n",
                    count, batches, ask(url, "SELECT COUNT(*) FROM spent"), ask(url, DIFFERENCES));
        }
    }

    /** Returns the number of batches. */
    private static int evaluate(String url) throws SQLException {
        PyFunction<ArrowValue> evaluation = PyFunction.of("baskets", "spent_by_customer", ArrowValue.class);
        List<ObjectRef<ArrowValue>> results = new ArrayList<>();
        try (ObjectStream<ArrowValue> batches =
                Bowstring.task(OrderSource::batches, url, BATCH_ROWS).setStreamAhead(4).stream(ArrowValue.class)) {
            while (batches.hasNext()) {
                // Only the reference passes through here: Python reads the pages that the source wrote.
                results.add(Bowstring.task(evaluation, batches.next()).remote());
            }
        }
        List<ArrowValue> tables = Bowstring.get(results); // before the database is opened here: the source has left it
        try (Connection connection = DriverManager.getConnection(url);
                PreparedStatement add = connection.prepareStatement(
                        "MERGE INTO spent s USING (VALUES (?, ?, ?)) n (customer, cents, orders) ON s.customer = n.customer"
                                + " WHEN MATCHED THEN UPDATE SET s.cents = s.cents + n.cents, s.orders = s.orders + n.orders"
                                + " WHEN NOT MATCHED THEN INSERT VALUES (n.customer, n.cents, n.orders)")) {
            for (ArrowValue table : tables) {
                try (table) {
                    for (VectorSchemaRoot batch : table.batches()) {
                        write(batch, add);
                    }
                }
            }
        }
        return results.size();
    }

    private static void write(VectorSchemaRoot totals, PreparedStatement add) throws SQLException {
        VarCharVector customer = (VarCharVector) totals.getVector("customer");
        BigIntVector cents = (BigIntVector) totals.getVector("cents");
        BigIntVector orders = (BigIntVector) totals.getVector("orders");
        for (int row = 0; row < totals.getRowCount(); row++) {
            add.setString(1, customer.getObject(row).toString());
            add.setLong(2, cents.get(row));
            add.setLong(3, orders.get(row));
            add.addBatch();
        }
        add.executeBatch();
    }

    // The database ---------------------------------------------------------------------------------------------------

    private static final String EXPECTED =
            "SELECT customer, CAST(SUM(cents) AS BIGINT), COUNT(*) FROM orders GROUP BY customer";
    private static final String DIFFERENCES = "SELECT COUNT(*) FROM ((" + EXPECTED + " EXCEPT SELECT * FROM spent)"
            + " UNION ALL (SELECT * FROM spent EXCEPT " + EXPECTED + "))";

    private static void fill(String url, int count) throws SQLException {
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
            statement.execute("DROP TABLE IF EXISTS orders");
            statement.execute("DROP TABLE IF EXISTS spent");
            statement.execute("CREATE TABLE spent (customer VARCHAR PRIMARY KEY, cents BIGINT, orders BIGINT)");
            statement.execute("CREATE TABLE orders AS SELECT x AS id, 'customer ' || MOD(x * x, 997) AS customer,"
                    + " MOD(x * 7919, 100000) AS cents FROM SYSTEM_RANGE(1, " + count + ")");
        }
    }

    private static long ask(String url, String query) throws SQLException {
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement();
                ResultSet answer = statement.executeQuery(query)) {
            answer.next();
            return answer.getLong(1);
        }
    }
}

package orders;

import io.bowstring.arrow.ArrowValue;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.util.Text;

/** Reads the table of orders through JDBC and hands it over in Arrow batches: a stream that a task makes. */
public final class OrderSource implements Iterator<ArrowValue>, AutoCloseable {
    private static final RootAllocator ALLOCATOR = new RootAllocator();

    private final Connection connection;
    private final Statement statement;
    private final ResultSet rows;
    private final int batchRows;
    private boolean more;

    private OrderSource(String url, int batchRows) throws SQLException {
        this.batchRows = batchRows;
        connection = DriverManager.getConnection(url);
        statement = connection.createStatement();
        statement.setFetchSize(batchRows);
        rows = statement.executeQuery("SELECT id, customer, cents FROM orders ORDER BY id");
        more = rows.next();
    }

    /** The task: the batches come as they are read, and reading waits while nobody takes them. */
    public static Iterator<ArrowValue> batches(String url, int batchRows) throws SQLException {
        return new OrderSource(url, batchRows);
    }

    @Override
    public boolean hasNext() {
        return more;
    }

    @Override
    public ArrowValue next() {
        if (!more) {
            throw new NoSuchElementException("no more orders");
        }
        BigIntVector id = new BigIntVector("id", ALLOCATOR);
        VarCharVector customer = new VarCharVector("customer", ALLOCATOR);
        BigIntVector cents = new BigIntVector("cents", ALLOCATOR);
        int row = 0;
        try {
            for (; more && row < batchRows; row++) {
                id.setSafe(row, rows.getLong(1));
                customer.setSafe(row, new Text(rows.getString(2)));
                cents.setSafe(row, rows.getLong(3));
                more = rows.next();
            }
        } catch (SQLException error) {
            throw new IllegalStateException("the database failed at row " + row + " of a batch", error);
        }
        id.setValueCount(row);
        customer.setValueCount(row);
        cents.setValueCount(row);
        return ArrowValue.of(VectorSchemaRoot.of(id, customer, cents));
    }

    @Override
    public void close() throws SQLException {
        connection.close(); // its statements and results end with it
    }
}

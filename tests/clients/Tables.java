import java.sql.*;
import java.util.*;

/** What JDBC's metadata shows of a schema: name and kind per line, as BI tools list them. Then the driver's version. */
class Tables {
    public static void main(String[] arguments) throws Exception {
        // The driver has no Unix sockets of its own, so it comes over TCP.
        String url = "jdbc:postgresql://127.0.0.1:" + arguments[0] + "/" + arguments[1];
        try (Connection connection = DriverManager.getConnection(url, arguments[2], "")) {
            DatabaseMetaData metadata = connection.getMetaData();
            try (ResultSet tables = metadata.getTables(null, arguments[3], "%", new String[] {"TABLE", "VIEW"})) {
                while (tables.next()) {
                    System.out.println(tables.getString("TABLE_NAME") + " " + tables.getString("TABLE_TYPE") + " " + (tables.getString("REMARKS") != null));
                }
            }
            try (ResultSet columns = metadata.getColumns(null, arguments[3], "accounts", "product_ids")) {
                columns.next();
                System.out.println("product_ids " + columns.getString("TYPE_NAME"));
            }
            System.out.println("driver " + metadata.getDriverVersion());
        }
    }
}

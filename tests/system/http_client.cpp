#include "system/http_client.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "system/client.hpp"

namespace tcp_echo::test {

HttpAnswer http_get(std::uint16_t port, const std::string& path) {
  Client client(port);
  HttpAnswer answer;
  if (!client.is_connected() ||
      !client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
    return answer;
  const auto text = client.receive_all();
  const auto end = text.find("\r\n\r\n");
  if (!text.starts_with("HTTP/1.1 ") || end == std::string::npos) return answer;
  answer.status = std::stoi(text.substr(std::string("HTTP/1.1 ").size()));
  answer.head = text.substr(0, end);
  answer.body = text.substr(end + 4);
  return answer;
}

nlohmann::json http_status(std::uint16_t port) {
  const auto answer = http_get(port, "/status");
  if (answer.status != 200) throw std::runtime_error("no /status");
  return nlohmann::json::parse(answer.body);
}

std::uint16_t admin_port(const Daemon& daemon) {
  const std::string words = "HTTP for operators on 127.0.0.1:";
  if (!eventually([&] { return daemon.logs(words); })) throw std::runtime_error("no admin address");
  const auto log = daemon.log();
  return static_cast<std::uint16_t>(std::stoul(log.substr(log.rfind(words) + words.size())));
}

pid_t admin_process(pid_t master) {
  std::vector<pid_t> found;
  for (const auto pid : children_of(master))
    if (proc_status(pid, "Name") == "tcp-echo[admin]") found.push_back(pid);
  return found.size() == 1 ? found.front() : 0;
}

}  // namespace tcp_echo::test

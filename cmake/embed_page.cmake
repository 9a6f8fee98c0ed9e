# Makes the status page one file and writes it as a C++ source, with the policy that lets a browser run no other script
# and use no other style than those in it: cmake -DPAGE=FOLDER -DOUTPUT=FILE -P embed_page.cmake
#
# https://www.w3.org/TR/CSP3/#grammardef-hash-source

function(base64_of_hex hex result)
  string(CONCAT alphabet "ABCDEFGHIJKLMNOPQRSTUVWXYZ" "abcdefghijklmnopqrstuvwxyz" "0123456789+/")
  set(text "")
  string(LENGTH "${hex}" length)
  foreach(at RANGE 0 ${length} 6)
    string(SUBSTRING "${hex}" ${at} 6 group)
    string(LENGTH "${group}" digits)
    if(digits EQUAL 0)
      break()
    endif()
    string(SUBSTRING "${group}0000" 0 6 padded)
    math(EXPR bits "0x${padded}")
    math(EXPR characters "${digits} / 2")  # and one more, before what pads
    foreach(character RANGE 3)
      if(character GREATER characters)
        string(APPEND text "=")
      else()
        math(EXPR index "(${bits} >> (18 - 6 * ${character})) & 63")
        string(SUBSTRING "${alphabet}" ${index} 1 letter)
        string(APPEND text "${letter}")
      endif()
    endforeach()
  endforeach()
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

function(hash_of text result)
  string(SHA256 hex "${text}")
  base64_of_hex("${hex}" base64)
  set(${result} "'sha256-${base64}'" PARENT_SCOPE)
endfunction()

file(READ "${PAGE}/page.html" html)
file(READ "${PAGE}/page.css" css)
# One script of all that the page names, in its order.
set(script_tag "  <script src=\"[a-z]+\\.js\" defer></script>\n")
string(REGEX MATCHALL "${script_tag}" script_tags "${html}")
set(js "")
foreach(tag IN LISTS script_tags)
  string(REGEX REPLACE ".*\"([a-z]+\\.js)\".*" "\\1" name "${tag}")
  file(READ "${PAGE}/${name}" script)
  string(APPEND js "${script}\n")
endforeach()
string(REGEX REPLACE "${script_tag}" "" html "${html}")

# What would end an element, or the literal, before its end.
string(TOLOWER "${html}" lower_html)
string(TOLOWER "${css}" lower_css)
string(TOLOWER "${js}" lower_js)
foreach(rule "html:)page\"" "css:)page\"" "css:</style" "js:)page\"" "js:</script" "js:<!--")
  string(REGEX MATCH "^([a-z]+):(.*)$" matched "${rule}")
  string(FIND "${lower_${CMAKE_MATCH_1}}" "${CMAKE_MATCH_2}" at)
  if(NOT at EQUAL -1)
    message(FATAL_ERROR "${PAGE}: ${CMAKE_MATCH_2} may not stand in ${CMAKE_MATCH_1}")
  endif()
endforeach()

string(SHA256 id "${html}${css}${js}")
hash_of("${css}" css_hash)
hash_of("${js}" js_hash)
string(REPLACE "data-page=\"\"" "data-page=\"${id}\"" html "${html}")
string(REPLACE "<link rel=\"stylesheet\" href=\"page.css\">" "<style>${css}</style>" html "${html}")
string(REPLACE "</body>" "<script>${js}</script></body>" html "${html}")
if(NOT html MATCHES "<style>" OR NOT html MATCHES "<script>" OR NOT html MATCHES "${id}" OR html MATCHES "(href|src)=\"[a-z]+\\.(css|js)\"")
  message(FATAL_ERROR "${PAGE}/page.html: its style, its script or data-page are not where they are looked for")
endif()
string(CONCAT policy
  "default-src 'none'; style-src ${css_hash}; script-src ${js_hash}; img-src data:; connect-src 'self'; "
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")

file(WRITE "${OUTPUT}" "#include \"status_page.hpp\"

namespace tcp_echo {

const std::string_view kStatusPageId = \"${id}\";
const std::string_view kStatusPage = R\"page(${html})page\";
const std::string_view kStatusPagePolicy = \"${policy}\";

}  // namespace tcp_echo
")

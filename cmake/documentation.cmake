# What is installed of the documents lies to each other as it does here, so that links between them hold. Links to what is not
# installed, such as the source, become plain text.
install(FILES README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR}
  COMPONENT documentation)
install(DIRECTORY docs examples DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT documentation)
install(DIRECTORY bench/results DESTINATION ${CMAKE_INSTALL_DOCDIR}/bench COMPONENT documentation
  FILES_MATCHING PATTERN "*.svg")
install(CODE "set(documentation_folder \"${CMAKE_INSTALL_DOCDIR}\")" COMPONENT documentation)
install(SCRIPT cmake/dead_links.cmake COMPONENT documentation)
